#pragma once
// Rows of tables, gathered by their numbers and summed bag by bag.

#include <cstdint>
#include <memory>
#include <string>

#include "models/ops/gathers/gather_trace.h"
#include "models/ops/op.h"

namespace sparsesim {

/// `bags` sums per table, each of `pooling` rows of `dim` elements, or of those that a trace names.
struct BagSize {
  std::int64_t tables = 1;
  std::int64_t rows = 0, dim = 0;  // of one table
  std::int64_t bags = 0, pooling = 0;
  std::string dtype = "fp16";
  double skew = 0;        // exponent of the popularity of rows; 0: every row alike
  bool weighted = false;  // each row is multiplied by a weight of its own
  std::int64_t index_bytes = 8;
  std::shared_ptr<const LookupTrace> trace;  // of each table; null: rows are drawn, `pooling` for each bag

  double lookups() const;        // of one table
  double distinct_rows() const;  // of one table, that are asked for at all
  /// Lookups of one table that a cache of so many rows does not serve.
  double misses(double capacity) const;
  /// Mispredicted branches of a scan that asks of each row whether a lookup names it, and whether one more does;
  /// of a trace as if all rows were named alike.
  double scan_mispredictions() const;
};

/// Mean bytes of the granules that a row of `bytes` touches, rows lying one behind the other from an aligned address:
/// bytes - g + granule with g = gcd(bytes, granule), for every start at a multiple of g is as likely.
double touched_bytes(std::int64_t bytes, std::int64_t granule);

/// What a launch gathers, expected over the popularity of rows; bytes of all tables.
struct GatherTraffic {
  double lookups = 0, misses = 0;  // rows asked for; those that L2 does not hold
  double row_bytes = 0;            // useful, of one row
  double sector_bytes = 0;         // of one row between L2 and a unit: whole sectors
  double fill_bytes = 0;           // of one row that comes from DRAM: whole fill granules
  double dram_bytes() const { return misses * fill_bytes; }
};

/// Tables are walked one after the other, so each has L2 to itself; a row is held by its fill granules.
GatherTraffic gather_traffic(const BagSize& size, const Substrate& substrate);

/// The launch of the library's `embedding_bag` kernel (docs/models/embedding.md).
/// Errors: UnsupportedError without such a kernel for the type.
Launch lower_bags(const BagSize& size, const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
