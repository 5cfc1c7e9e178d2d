#pragma once
// Which way of leaving weights out pays for one product on one machine (docs/recommend.md).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/evaluate/run.h"
#include "models/explore/recommend_patterns.h"

namespace sparsesim {

/// What a pattern brings of the speedup that its zeros promise; better ones first.
enum class Verdict { free, nearly_free, pays, slower, no_kernel, too_large };
/// "free", "nearly free", "pays", "does not pay", "no kernel", "too large".
std::string_view name(Verdict verdict);
inline constexpr double kFreeShare = 0.9;        // of the ideal speedup, from which on zeros are free
inline constexpr double kNearlyFreeShare = 0.7;  // and nearly so
/// The verdict on a speedup where the zeros promise `ideal`.
Verdict verdict_on(double speedup, double ideal);

/// One pattern at one share of zeros, against the dense product.
struct PatternPoint {
  std::string pattern = {};  // "block-32x32", "2:20"
  double sparsity = 0;       // as asked for
  double sparse_us = 0;
  double speedup = 1, ideal = 1;    // ideal: 1 / (1 - share of zeros that was drawn)
  std::string kernel = {};          // the fastest that reads the format; empty where the product runs densely
  std::vector<LossTerm> lost = {};  // multiply to ideal / speedup
  std::string decides = {};         // the largest term, "no kernel" or "too large"; empty where nothing is lost
  std::string reason = {};          // of no kernel, or of what is too large to simulate
  Verdict verdict = Verdict::no_kernel;
  std::optional<double> quality = {};  // from the user
};

struct CandidateResult {
  PatternCandidate candidate;
  std::vector<PatternPoint> points;  // by sparsity, ascending; at least one
  std::optional<double> needed;      // least share of zeros from which on the target is reached
  Verdict verdict = Verdict::too_large;
  std::size_t best = 0;  // of points: the fastest
};

/// A place in Recommendation::candidates and its points.
struct PointPlace {
  std::size_t candidate = 0, point = 0;
};
struct RankingLevel {
  double sparsity = 0;
  std::vector<PointPlace> order;  // fastest first
};

struct Recommendation {
  std::string substrate, workload, op;
  SpmmSize product;
  double dense_us = 0;
  double target = 2, max_sparsity = 0.95;
  std::uint64_t seed = 1;
  bool has_quality = false;
  std::vector<CandidateResult> candidates;  // in the order of the table of patterns
  std::vector<RankingLevel> levels;         // by sparsity, ascending
  std::vector<PointPlace> front;            // nobody keeps as many weights and is faster; fewest zeros first

  const PatternPoint& at(const PointPlace& place) const { return candidates[place.candidate].points[place.point]; }
};

struct RecommendOptions {
  double max_sparsity = 0.95;
  double target = 2;
  std::uint64_t seed = 1;
  bool explain_all = true;  // false: `lost` and `decides` of what format_table() shows alone, which is twice as fast
  int threads = 0;          // 0: one per processor
  const std::atomic<bool>* stop = nullptr;                            // set: nothing comes back
  std::function<void(std::size_t done, std::size_t total)> progress;  // one thread at a time
};

/// The op of the workload to recommend for: the one of that name, or the gemm or spmm with the most dense time.
/// Errors: config::ConfigError for a name that no op has or whose op is no such product; UnsupportedError with the
/// place of the op for a product that the machine cannot run densely.
const WorkloadOp& find_product(const Workload& workload, const Substrate& substrate, const std::string& name);

/// Every candidate against the dense product; nothing after a stop. The outcome does not depend on the threads.
/// Errors: UnsupportedError, TooLargeError for a dense product that cannot be simulated.
std::optional<Recommendation> recommend(const SpmmSize& product, const Substrate& substrate,
                                        const RecommendOptions& options);

/// Rows of a level that format_table() shows; the table of patterns has them all.
inline constexpr std::size_t kRankedShown = 5;

/// Puts the qualities of a CSV file (columns pattern, sparsity, quality) beside the points of the same pattern and
/// share of zeros. Errors: config::ConfigError with every mistake of the file, unknown patterns with the nearest.
void add_quality(Recommendation& recommendation, const std::string& path);

/// For people, and the JSON of docs/recommend.md.
std::string format_table(const Recommendation& recommendation);
std::string format_json(const Recommendation& recommendation);

}  // namespace sparsesim
