#include "models/ops/weights/spmm_formats.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sparsesim {
namespace {

constexpr std::array<SparseKind, 6> kKinds = {{
    {"unstructured", "csr csc coo bitmap tiled",
     "single weights anywhere: every stored one names a row of activations"},
    {"vector", "vector", "short columns of weights: a stored vector shares one row of activations"},
    {"2:4", "2:4", "two of every four weights in a row, skipped by the matrix unit"},
    {"n:m", "n:m", "N of every M weights in a row, as 1:4 or 6:8: on 2:4 units where it fits, else expanded"},
    {"vnm", "vnm", "V rows agree on 4 of M columns, and each keeps N = 2 of the 4"},
    {"block", "bsr blocked_ell", "small dense blocks of weights"},
}};

bool lists(const Kernel& kernel, const std::string& word) {
  return std::find(kernel.patterns.begin(), kernel.patterns.end(), word) != kernel.patterns.end();
}

}  // namespace

std::span<const SparseKind> sparse_kinds() { return kKinds; }

const SparseKind* find_sparse_kind(std::string_view pattern) {
  for (const SparseKind& kind : kKinds)
    if (kind.pattern == pattern) return &kind;
  return parse_n_of_m(pattern) ? find_sparse_kind("n:m") : nullptr;
}

std::vector<std::string> formats_of(const SparseKind& kind) {
  std::vector<std::string> formats;
  for (std::size_t begin = 0; begin < kind.formats.size();) {
    const std::size_t end = std::min(kind.formats.find(' ', begin), kind.formats.size());
    formats.emplace_back(kind.formats.substr(begin, end - begin));
    begin = end + 1;
  }
  return formats;
}

std::optional<NOfM> parse_n_of_m(std::string_view pattern) {
  NOfM read;
  const char* const end = pattern.data() + pattern.size();
  const auto kept = std::from_chars(pattern.data(), end, read.kept);
  if (kept.ec != std::errc() || kept.ptr == end || *kept.ptr != ':') return std::nullopt;
  const auto of = std::from_chars(kept.ptr + 1, end, read.of);
  if (of.ec != std::errc() || of.ptr != end) return std::nullopt;
  if (read.kept < 1 || read.of <= read.kept || read.of > 64) return std::nullopt;
  return read;
}

bool is_n_of_m(std::string_view pattern) { return pattern == "vnm" || parse_n_of_m(pattern); }

std::string transposed_format(std::string_view format) {
  if (format == "csr" || format == "coo") return "csc";
  if (format == "csc") return "csr";
  if (format == "bsr" || format == "blocked_ell") return "bsc";
  if (format == "vector") return "vector_columns";
  return std::string(format);
}

bool reads_format(const Kernel& kernel, const std::string& pattern, const std::string& format, bool transposed) {
  const auto formats = formats_of(*find_sparse_kind(pattern));
  const bool any = std::any_of(formats.begin(), formats.end(), [&](const std::string& each) {
    return lists(kernel, each) || lists(kernel, transposed_format(each));
  });
  return std::any_of(formats.begin(), formats.end(), [&](const std::string& each) {
    if (format.empty() ? each == "csc" : each != format) return false;
    const std::string walked = transposed ? transposed_format(each) : each;
    return any ? lists(kernel, walked) : walked == formats.front();
  });
}

}  // namespace sparsesim
