#pragma once
// Recorded lookups of a table, and which of them a cache would serve.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim {

/// Lookups of one table in the order in which they were made, bag by bag.
struct LookupTrace {
  std::vector<std::int64_t> bags;  // rows that each bag names
  std::int64_t lookups = 0;
  std::int64_t distinct = 0;  // rows named at all
  /// For each lookup of a row named before: different rows named since then, the row itself included; sorted.
  std::vector<std::int64_t> reuse;

  /// Lookups that miss a least-recently-used cache of `capacity` rows that is empty at first: those of new rows, and
  /// those whose row was pushed out by `capacity` others. Exact. Source: Mattson et al., Evaluation techniques for
  /// storage hierarchies, IBM Systems Journal 9 (2), 1970.
  std::int64_t misses(std::int64_t capacity) const;
};

/// Bytes of a trace file at most.
inline constexpr std::int64_t kMostLookupBytes = 32 << 20;

/// A line per bag: the numbers of its rows, 0 to rows - 1, separated by blanks, tabs or commas; an empty line is an
/// empty bag. Mistakes are reported with their place, then the trace is empty.
LookupTrace read_lookup_trace(std::string_view text, const std::string& file, std::int64_t rows,
                              config::Diagnostics& diagnostics);

/// Reuse and distinct rows of lookups in this order.
LookupTrace trace_of(std::vector<std::int64_t> bags, const std::vector<std::int64_t>& rows);

}  // namespace sparsesim
