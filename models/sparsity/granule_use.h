#pragma once
// How full the granules of a machine are with a mask: lines, steps, tiles, blocks; and how evenly rows are filled.

#include <cstdint>

#include "models/sparsity/mask.h"

namespace sparsesim {

/// A rectangle of places that is served as one. Both >= 1.
struct Granule {
  std::int64_t rows = 1, columns = 1;
};

/// The granules of a matrix, from its upper left corner; those at the lower and right edge may be cut.
struct GranuleUse {
  std::int64_t granules = 0;
  std::int64_t occupied = 0;   // that hold a stored place
  double occupied_places = 0;  // of all places, those in occupied granules
  double places = 0;           // of the matrix
  double stored = 0;

  /// Share of the granules that are occupied, 0..1.
  double share() const { return granules > 0 ? static_cast<double>(occupied) / static_cast<double>(granules) : 0; }
  /// Share of the places of occupied granules that are stored, 0..1.
  double fill() const { return occupied_places > 0 ? stored / occupied_places : 0; }
  /// Share of the zeros that lie in free granules, 0..1; 1 where there is no zero.
  double free_zeros() const { return places > stored ? (places - occupied_places) / (places - stored) : 1; }
};

/// Counts by one pass over the stored places.
GranuleUse granule_use(const Mask& mask, Granule granule);

/// Share of the granules that would hold a stored place if as many places of the mask were stored at random: the mean
/// of 1 - (1 - density)^(rows columns) over all granules, cut ones with the places that they have.
double expected_share_at_random(const Mask& mask, Granule granule);

/// How evenly groups of neighbouring rows are filled.
struct RowBalance {
  double most_over_mean = 1;  // stored places of the fullest group over the mean: what the last task costs
  double waiting = 0;         // share of a group's time that its rows wait where they advance with the longest, 0..1
};
RowBalance row_balance(const RowCounts& counts, std::int64_t rows_per_group);

}  // namespace sparsesim
