#pragma once
// What the product of two sparse matrices has to do, counted on their masks.

#include <cstdint>
#include <vector>

#include "models/sparsity/mask.h"

namespace sparsesim {

/// Multiplications of two stored numbers in A B: sum over k of stored(column k of A) stored(row k of B).
/// A is [m, k], B is [k, n]. One look at each stored place of A.
double partial_products(const Mask& a, const Mask& b);

/// Partial products and stored results of each row of A B. A result is stored where a partial product falls on it: sums
/// that cancel are stored, as libraries do.
struct ProductCounts {
  double products = 0;
  double results = 0;
  std::vector<std::int64_t> row_products, row_results;  // [m]

  /// Partial products per stored result, at least 1; 1 for an empty product.
  double compression() const { return results > 0 ? products / results : 1; }
};
/// One look at each partial product, and 4 bytes for each column of B.
ProductCounts count_product(const Mask& a, const Mask& b);

/// Sizes of what is merged where a merger takes `radix` rows of B at a time: a row of A with more stored places needs a
/// tree of mergers, whose level l has a group for every radix^(l + 1) places in a row.
struct MergeTree {
  std::vector<std::int64_t> offsets = {0};  // [m + 1], of each row's first group
  std::vector<std::int32_t> results;        // different columns of each group, level by level, without the root
};
/// radix >= 2. Rows with at most `radix` places have no group besides their root.
MergeTree merge_tree(const Mask& a, const Mask& b, std::int64_t radix);

/// Results that are brought and put away again where the depth k is cut into slabs of `slab`, a whole multiple of
/// `tile`: those of a tile of tile x tile are partial until the last slab, and each slab in which a stored tile of A
/// meets one of B for it brings those that are there.
///
/// returns  results brought, for each `tile` rows of A
///
/// One look at each partial product, and at each pair of tiles that meet (tile_pairs()).
std::vector<std::int64_t> partial_results(const Mask& a, const Mask& b, std::int64_t slab, std::int64_t tile);
/// Pairs of a stored tile of A and one of B at the same depth: the partial products of the tiles.
double tile_pairs(const Mask& a, const Mask& b, std::int64_t tile);

}  // namespace sparsesim
