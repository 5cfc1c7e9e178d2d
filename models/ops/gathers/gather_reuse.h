#pragma once
// Which gathered rows are found in a cache: expectations over how often rows are asked for.

#include <cstdint>
#include <vector>

namespace sparsesim {

/// How often each row of a table is asked for, independently of what was asked before: row i of the most popular ones
/// with probability ~ i^-exponent; exponent 0: every row alike.
class RowPopularity {
 public:
  /// rows >= 1, exponent >= 0. Ranks beyond the first 1024 are taken in bins that grow by 1 %.
  RowPopularity(std::int64_t rows, double exponent);

  /// Different rows among `lookups`: sum of 1 - (1 - p)^lookups.
  double expected_distinct(double lookups) const;
  /// Lookups that miss a least-recently-used cache of `capacity` rows that is empty at first.
  ///
  /// A row is evicted once `t` lookups did not ask for it, where t solves sum(1 - exp(-p t)) = capacity; the first t
  /// lookups fill the cache:
  /// misses = sum(1 - (1 - p)^min(lookups, t)) + max(0, lookups - t) sum(p exp(-p t))
  /// Source: Che, Tung, Wang, Hierarchical Web Caching Systems, IEEE JSAC 20 (7), 2002. Exact for one row asked for all
  /// the time and in the limit of many; a test compares it with a simulated cache.
  double expected_misses(double lookups, double capacity) const;
  /// Mispredicted branches of a loop over all rows that asks again and again whether one more of `lookups` names the
  /// row: where that happens with probability p, a history of chance tells min(p, 1 - p) of them wrongly. Lookups of a
  /// row are Poisson.
  double expected_mispredictions(double lookups) const;

 private:
  struct Bin {
    double rows;         // in the bin
    double probability;  // of each of them
  };
  double eviction_lookups(double capacity) const;
  std::vector<Bin> bins_;
};

}  // namespace sparsesim
