#include "models/sparsity/pattern_fit.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "sim/core/random.h"

namespace sparsesim {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }
double real(std::int64_t count) { return static_cast<double>(count); }

}  // namespace

PatternFit fit_n_of_m(const Mask& mask, NOfMPattern pattern) {
  const std::int64_t per_row = (mask.columns + pattern.of - 1) / pattern.of;
  std::int64_t too_full = 0, dropped = 0;
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    const auto columns = mask.row(row);
    for (std::size_t begin = 0, end = 0; begin < columns.size(); begin = end) {
      const std::int32_t limit = (columns[begin] / pattern.of + 1) * pattern.of;
      while (end < columns.size() && columns[end] < limit) ++end;
      const std::int64_t excess = static_cast<std::int64_t>(end - begin) - pattern.kept;
      too_full += excess > 0;
      dropped += std::max<std::int64_t>(0, excess);
    }
  }
  const std::int64_t groups = per_row * mask.rows;
  return {real(groups), real(groups - too_full), real(mask.stored()), real(dropped)};
}

PatternFit fit_v_n_m(const Mask& mask, std::int64_t rows, int of) {
  constexpr std::ptrdiff_t kAgreed = 4;
  constexpr std::int64_t kKept = 2;
  const std::int64_t across = (mask.columns + of - 1) / of;
  PatternFit fit;
  fit.stored = real(mask.stored());
  std::vector<std::int32_t> uses(at(across * of)), order(at(of));
  std::vector<char> agreed(uses.size()), broken(at(across));
  for (std::int64_t begin = 0; begin < mask.rows; begin += rows) {
    const std::int64_t end = std::min(begin + rows, mask.rows);
    std::fill(uses.begin(), uses.end(), 0);
    std::fill(agreed.begin(), agreed.end(), 0);
    std::fill(broken.begin(), broken.end(), 0);
    for (std::int64_t row = begin; row < end; ++row)
      for (const std::int32_t column : mask.row(row)) ++uses[at(column)];
    for (std::int64_t group = 0; group < across; ++group) {
      const std::int64_t first = group * of;
      std::iota(order.begin(), order.end(), static_cast<std::int32_t>(first));
      const auto fuller = [&](std::int32_t a, std::int32_t b) {
        return uses[at(a)] != uses[at(b)] ? uses[at(a)] > uses[at(b)] : a < b;
      };
      const auto chosen = std::min<std::ptrdiff_t>(kAgreed, of);
      std::partial_sort(order.begin(), order.begin() + chosen, order.end(), fuller);
      for (std::ptrdiff_t i = 0; i < chosen; ++i) agreed[at(order[at(i)])] = 1;
    }
    for (std::int64_t row = begin; row < end; ++row) {
      std::int32_t group = -1, limit = 0;
      std::int64_t kept = 0;
      for (const std::int32_t column : mask.row(row)) {
        if (column >= limit) {
          group = column / of;
          limit = (group + 1) * of;
          kept = 0;
        }
        const bool keep = agreed[at(column)] && kept < kKept;
        kept += keep;
        fit.dropped += !keep;
        broken[at(group)] |= !keep;
      }
    }
    fit.groups += real(across);
    fit.fitting += real(std::count(broken.begin(), broken.end(), 0));
  }
  return fit;
}

FreeLines free_lines(const Mask& mask) {
  std::vector<char> used(at(mask.columns));
  FreeLines free;
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    free.rows += mask.row(row).empty();
    for (const std::int32_t column : mask.row(row)) used[at(column)] = 1;
  }
  free.columns = std::count(used.begin(), used.end(), 0);
  return free;
}

Band band_of(const Mask& mask) {
  Band band{mask.columns, -mask.rows, 0, 0};
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    const auto columns = mask.row(row);
    if (columns.empty()) continue;
    band.low = std::min(band.low, columns.front() - row);
    band.high = std::max(band.high, columns.back() - row);
  }
  double area = 0;
  for (std::int64_t row = 0; row < mask.rows && band.low <= band.high; ++row)
    area += real(std::max<std::int64_t>(
        0, std::min(mask.columns - 1, row + band.high) - std::max<std::int64_t>(0, row + band.low) + 1));
  band.area = area / mask.places();
  band.fill = area > 0 ? real(mask.stored()) / area : 0;
  return band;
}

std::vector<std::int32_t> order_of_similar_rows(const Mask& mask, std::int64_t unit_columns) {
  constexpr std::size_t kSignature = 4;
  using Signature = std::array<std::uint32_t, kSignature>;
  const auto width = static_cast<std::uint32_t>(std::min(unit_columns, mask.columns));
  RandomStream random(1, "row signatures");
  std::vector<Signature> hashes(at((mask.columns + unit_columns - 1) / unit_columns));
  for (Signature& hash : hashes)
    for (std::uint32_t& word : hash) word = static_cast<std::uint32_t>(random.bits() >> 33);
  Signature none;
  none.fill(std::numeric_limits<std::uint32_t>::max());
  std::vector<Signature> signatures(at(mask.rows), none);
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    Signature& signature = signatures[at(row)];
    std::uint32_t limit = 0;  // columns below belong to a unit that was counted
    for (const std::int32_t place : mask.row(row)) {
      const auto column = static_cast<std::uint32_t>(place);
      if (column < limit) continue;
      const std::uint32_t unit = column / width;
      limit = (unit + 1) * width;
      const Signature& hash = hashes[unit];
      for (std::size_t i = 0; i < kSignature; ++i) signature[i] = std::min(signature[i], hash[i]);
    }
  }
  std::vector<std::int32_t> order(at(mask.rows));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return signatures[at(a)] < signatures[at(b)]; });
  return order;
}

}  // namespace sparsesim
