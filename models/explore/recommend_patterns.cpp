#include "models/explore/recommend_patterns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "models/ops/cores/core.h"
#include "models/ops/dense/gemm.h"

namespace sparsesim {
namespace {

// Powers of two, as kernels and `inspect` take them; the libraries' own sizes (block_n) are among them.
constexpr std::array<std::int64_t, 6> kBlocks = {4, 8, 16, 32, 64, 128};
constexpr std::array<std::int64_t, 6> kHeights = {2, 4, 8, 16, 32, 64};
// Heights of the published V:N:M results (VENOM, arXiv 2310.02065).
constexpr std::array<std::int64_t, 3> kVnmHeights = {32, 64, 128};
constexpr std::array<int, 3> kKept = {1, 2, 4};
constexpr int kNOfMMost = 64, kVnmMost = 4096;  // M that the language takes
constexpr std::array<double, 4> kLevels = {0.5, 0.75, 0.9, 0.95};
constexpr double kSameShare = 1e-9;

/// M of N:M at a share of zeros, if it is whole.
std::optional<int> whole_m(int kept, double sparsity, int most) {
  const double of = kept / (1 - sparsity);
  if (of > most + 0.5 || std::abs(of - std::round(of)) > 1e-6 * of) return std::nullopt;
  const int m = static_cast<int>(std::lround(of));
  return m > kept ? std::optional(m) : std::nullopt;
}

bool is_two_of_four(int kept, int of) { return kept == 2 && of == 4; }

std::vector<PatternCandidate> granules_of(const SparseKind& kind) {
  const std::string name(kind.pattern);
  std::vector<PatternCandidate> out;
  if (name == "block") {
    for (const std::int64_t side : kBlocks)
      out.push_back({.kind = name, .family = fmt::format("block-{0}x{0}", side), .rows = side, .columns = side});
  } else if (name == "vector") {
    for (const std::int64_t rows : kHeights)
      out.push_back({.kind = name, .family = fmt::format("vector-{}x1", rows), .rows = rows});
  } else if (name == "vnm") {
    for (const std::int64_t rows : kVnmHeights)
      out.push_back({.kind = name, .family = fmt::format("{}:2:M", rows), .rows = rows, .kept = 2});
  } else if (name == "n:m") {
    for (const int kept : kKept) out.push_back({.kind = name, .family = fmt::format("{}:M", kept), .kept = kept});
  } else if (const auto ratio = parse_n_of_m(name)) {
    out.push_back({.kind = name, .family = name, .kept = ratio->kept, .of = ratio->of});
  } else {
    out.push_back({.kind = name, .family = name});
  }
  return out;
}

/// Patterns that the matrix unit declares and no family has at a compared share: 6:8.
std::vector<PatternCandidate> declared_patterns(const SpmmSize& product, const Substrate& substrate) {
  std::vector<PatternCandidate> out;
  const auto rates = substrate.compute.pipes.tensor.find(product.dtype);
  if (rates == substrate.compute.pipes.tensor.end()) return out;
  for (const auto& [name, rate] : rates->second.n_of_m) {
    const auto ratio = parse_n_of_m(name);
    if (!ratio || is_two_of_four(ratio->kept, ratio->of)) continue;
    const double share = 1 - static_cast<double>(ratio->kept) / ratio->of;
    const bool family = std::find(kKept.begin(), kKept.end(), ratio->kept) != kKept.end();
    const bool compared =
        std::any_of(kLevels.begin(), kLevels.end(), [&](double level) { return std::abs(level - share) < kSameShare; });
    if (!family || !compared)
      out.push_back({.kind = "n:m", .family = name, .format = "n:m", .kept = ratio->kept, .of = ratio->of});
  }
  return out;
}

}  // namespace

std::optional<double> PatternCandidate::only_sparsity() const {
  return of > 0 ? std::optional(1 - static_cast<double>(kept) / of) : std::nullopt;
}

std::string PatternCandidate::name_at(double sparsity) const {
  if (kept == 0 || of > 0) return family;
  const auto m = whole_m(kept, sparsity, kVnmMost);
  return m ? fmt::format("{}{}", family.substr(0, family.size() - 1), *m) : family;
}

std::optional<SpmmSize> PatternCandidate::size_at(const SpmmSize& product, double sparsity) const {
  SpmmSize size = product;
  size.pattern = kind;
  size.format = format;
  size.sparsity = sparsity;
  size.block_n = size.transposed ? columns : rows;
  size.block_k = size.transposed ? rows : columns;
  if (kept == 0) return size;
  const auto m = of > 0 ? std::optional(of) : whole_m(kept, sparsity, kind == "vnm" ? kVnmMost : kNOfMMost);
  if (!m || (of > 0 && std::abs(sparsity - *only_sparsity()) > kSameShare)) return std::nullopt;
  if (of == 0 && kind == "n:m" && is_two_of_four(kept, *m)) return std::nullopt;  // has a row of its own
  if (kind == "vnm" && *m < 4) return std::nullopt;
  if (kind != "vnm") size.pattern = fmt::format("{}:{}", kept, *m);
  size.n_kept = kept;
  size.n_of = *m;
  size.sparsity = 1 - static_cast<double>(kept) / *m;
  return size;
}

std::vector<double> PatternCandidate::choices(double most) const {
  std::vector<double> out;
  if (const auto only = only_sparsity()) {
    out.push_back(*only);
  } else if (kept > 0) {
    for (int m = kept + 1; m <= (kind == "vnm" ? kVnmMost : kNOfMMost) && 1 - static_cast<double>(kept) / m <= most;
         ++m)
      out.push_back(1 - static_cast<double>(kept) / m);
  } else {  // per cent up to 90, then half as much: there a step changes the kept weights more
    for (int thousandths = 10; thousandths / 1000.0 < most - kSameShare; thousandths += thousandths < 900 ? 10 : 5)
      out.push_back(thousandths / 1000.0);
    out.push_back(most);
  }
  std::erase_if(out, [&](double share) { return share > most + kSameShare; });
  return out;
}

std::vector<double> compared_levels(double most) {
  std::vector<double> levels;
  for (const double level : kLevels)
    if (level < most - kSameShare) levels.push_back(level);
  levels.push_back(most);
  return levels;
}

std::vector<PatternCandidate> pattern_candidates(const SpmmSize& product, const Substrate& substrate) {
  std::vector<PatternCandidate> out;
  for (const SparseKind& kind : sparse_kinds()) {
    const auto formats = on_cores(substrate) ? std::vector<std::string>{""} : formats_of(kind);
    for (PatternCandidate& granule : granules_of(kind)) {
      const std::int64_t n = product.transposed ? product.k : product.n, k = product.transposed ? product.n : product.k;
      if (n % granule.rows != 0 || k % granule.columns != 0) continue;
      for (const std::string& format : formats) {
        out.push_back(granule);
        out.back().format = format;
      }
    }
    if (kind.pattern == "n:m")
      for (PatternCandidate& declared : declared_patterns(product, substrate)) out.push_back(std::move(declared));
  }
  return out;
}

std::optional<SpmmSize> product_of(const Op& op) {
  SpmmSize product;
  if (const auto* gemm = dynamic_cast<const Gemm*>(&op)) {
    if (gemm->weights().any()) return std::nullopt;  // no kernel is modeled for sparse weights with scales
    product.m = gemm->size().m;
    product.n = gemm->size().n;
    product.k = gemm->size().k;
    product.dtype = gemm->size().dtype;
    product.accumulate = gemm->size().accumulate;
  } else if (const auto* spmm = dynamic_cast<const Spmm*>(&op)) {
    const SpmmSize& size = spmm->size();
    product.m = size.m;
    product.n = size.n;
    product.k = size.k;
    product.dtype = size.dtype;
    product.accumulate = size.accumulate;
    product.activation_sparsity = size.activation_sparsity;
    product.setup = size.setup;
    product.transposed = size.transposed;
  } else {
    return std::nullopt;
  }
  return product;
}

}  // namespace sparsesim
