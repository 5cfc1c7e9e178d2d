#include "validate/measure/cuda/lookups.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "validate/measure/cuda/host_device.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {
namespace {

constexpr std::string_view kZipf = "zipf:";

double popularity_exponent(std::string_view indices) {
  if (indices == "uniform") return 0;
  double exponent = 0;
  if (indices.substr(0, kZipf.size()) == kZipf) {
    const char* const end = indices.data() + indices.size();
    const auto parsed = std::from_chars(indices.data() + kZipf.size(), end, exponent);
    if (parsed.ec == std::errc{} && parsed.ptr == end && exponent >= 0 && exponent <= 8) return exponent;
  }
  throw NotHere("indices " + std::string(indices) + " are not drawn here");
}

}  // namespace

// The inverse of the continuous distribution on [1, rows + 1): exact for uniform, close to Zipf's law past the first
// ranks.
std::vector<std::int64_t> draw_lookups(std::string_view indices, std::int64_t count, std::int64_t rows,
                                       std::uint64_t seed) {
  constexpr std::uint64_t kScatter = 2654435761ull;  // a prime above every table: ranks go to rows one to one
  const double a = popularity_exponent(indices), top = static_cast<double>(rows) + 1;
  std::vector<std::int64_t> lookups(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    const double u = static_cast<double>(random_bits(seed, i) >> 11) * 0x1p-53;
    const double x =
        std::abs(a - 1) < 1e-9 ? std::pow(top, u) : std::pow(u * (std::pow(top, 1 - a) - 1) + 1, 1 / (1 - a));
    const auto rank = std::clamp<std::int64_t>(static_cast<std::int64_t>(x) - 1, 0, rows - 1);
    lookups[i] =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(rank) * kScatter % static_cast<std::uint64_t>(rows));
  }
  return lookups;
}

BagsOfRows bags_of_rows(const std::vector<std::int64_t>& lookups, std::int64_t pooling, std::int64_t rows) {
  BagsOfRows lists;
  lists.begin.assign(static_cast<std::size_t>(rows) + 1, 0);
  lists.bag.resize(lookups.size());
  for (const std::int64_t row : lookups) ++lists.begin[static_cast<std::size_t>(row) + 1];
  for (std::size_t row = 1; row < lists.begin.size(); ++row) lists.begin[row] += lists.begin[row - 1];
  std::vector<std::int64_t> next(lists.begin.begin(), lists.begin.end() - 1);
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    const auto place = next[static_cast<std::size_t>(lookups[i])]++;
    lists.bag[static_cast<std::size_t>(place)] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) / pooling);
  }
  return lists;
}

}  // namespace sparsesim::measure
