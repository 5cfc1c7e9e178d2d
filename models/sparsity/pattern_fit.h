#pragma once
// How near a mask is to the patterns that kernels take: N:M, V:N:M, whole rows and columns, bands.

#include <cstdint>

#include "models/sparsity/mask.h"

namespace sparsesim {

/// Of every `of` neighbouring columns of a row, at most `kept` are stored.
struct NOfMPattern {
  int kept = 2, of = 4;
};

/// What of a mask a pattern can hold.
struct PatternFit {
  double groups = 0;   // of places, those at the right edge included
  double fitting = 0;  // groups that hold no more than the pattern allows
  double stored = 0;   // places of the mask
  double dropped = 0;  // of them, those that would have to go

  double fitting_share() const { return groups > 0 ? fitting / groups : 1; }
  double dropped_share() const { return stored > 0 ? dropped / stored : 0; }
};
PatternFit fit_n_of_m(const Mask& mask, NOfMPattern pattern);

/// V:N:M with N = 2: `rows` neighbouring rows agree on 4 of `of` columns, and each stores at most 2 of the 4. Of every
/// group of columns the 4 with the most stored places are taken. Groups here are rows x of. Source: VENOM, Castro et
/// al., SC 2023.
PatternFit fit_v_n_m(const Mask& mask, std::int64_t rows, int of);

/// Rows and columns without a stored place: what structured pruning removes whole.
struct FreeLines {
  std::int64_t rows = 0, columns = 0;
};
FreeLines free_lines(const Mask& mask);

/// The narrowest band along the diagonal that holds all stored places: low <= column - row <= high.
struct Band {
  std::int64_t low = 0, high = -1;
  double area = 0;  // share of the matrix that lies in the band, 0..1
  double fill = 0;  // share of the band that is stored, 0..1
};
Band band_of(const Mask& mask);

/// An order in which rows with similar columns are neighbours: rows sort by signatures of `kSignature` minimal hashes
/// of the units of `unit_columns` columns that they use; two rows share each with a probability equal to the Jaccard
/// similarity of their units. Empty rows come last. Source: Broder, "On the resemblance and containment of documents",
/// 1997.
std::vector<std::int32_t> order_of_similar_rows(const Mask& mask, std::int64_t unit_columns);

}  // namespace sparsesim
