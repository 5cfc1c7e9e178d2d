#pragma once
// The ways to leave weights of a product out that a recommendation compares.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/evaluate/workload.h"
#include "models/ops/weights/spmm.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// A row of sparse_kinds() with its granule and format, at any share of zeros that the pattern has.
struct PatternCandidate {
  std::string kind;                    // sparse_kinds(): unstructured, vector, 2:4, n:m, vnm, block
  std::string family;                  // with its granule: block-32x32, vector-8x1, 2:M, 128:2:M, 2:4
  std::string format = {};             // one of the row; empty: any
  std::int64_t rows = 1, columns = 1;  // of a stored unit; rows: V of V:N:M
  int kept = 0;                        // N of N:M, 0 for patterns of any share
  int of = 0;                          // M of patterns of one share alone, else 0
  /// The same product with its weights in this pattern; nothing where the pattern does not have that share.
  std::optional<SpmmSize> size_at(const SpmmSize& product, double sparsity) const;
  /// Name at that share: "2:20" for 2:M at 0.9.
  std::string name_at(double sparsity) const;
  /// The only share of zeros that it has, if there is but one.
  std::optional<double> only_sparsity() const;
  /// The shares between which a search chooses, ascending up to `most`.
  std::vector<double> choices(double most) const;
};

/// Shares of zeros at which patterns are compared, up to `most`, which is one of them.
std::vector<double> compared_levels(double most);

/// Every pattern, granule and format that divides the weights. On machines whose loops choose the format themselves
/// there is one candidate per granule.
std::vector<PatternCandidate> pattern_candidates(const SpmmSize& product, const Substrate& substrate);

/// Sizes, types and surroundings of a gemm or spmm; nothing for other ops.
std::optional<SpmmSize> product_of(const Op& op);

}  // namespace sparsesim
