#pragma once
// Simulates measured rows and their dense twins, many at once.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/evaluate/evaluate.h"
#include "validate/compare/measurements.h"

namespace sparsesim {

/// What the simulator says about one row.
struct RowPrediction {
  bool failed = false;
  std::string reason;  // why it could not be simulated; empty otherwise
  double time_us = 0;
  std::optional<double> speedup;  // for rows with a dense twin
  double declared_sparsity = 0;   // the op's own, for rows with a dense twin
  std::string bound;              // resource that limits the row
  RunCounters counters;           // of the row, not of its twin
  std::vector<LossTerm> lost;     // empty unless explained; of the speedup, or of the time of a row without a twin
  std::string largest_loss;       // empty unless explained
  double seconds = 0;             // this program's own time; differs from run to run
};

/// Machines by name, each read once. A machine that cannot be read keeps its reason.
class SubstrateCache {
 public:
  explicit SubstrateCache(SearchPath search) : search_(std::move(search)) {}
  /// Errors: UnsupportedError with why there is none. Not for several threads.
  std::shared_ptr<const Substrate> get(const std::string& name);
  /// Every machine that was read, in name order; one that goes by two names appears once.
  std::vector<std::shared_ptr<const Substrate>> loaded() const;

 private:
  struct Entry {
    std::shared_ptr<const Substrate> substrate;
    std::string reason;
  };
  SearchPath search_;
  std::map<std::string, Entry> entries_;
};

struct PredictOptions {
  std::uint64_t seed = 1;
  int threads = 0;  // 0: one per processor
  /// Called from several threads, one at a time, with rows done and rows in all; may be empty.
  std::function<void(std::size_t done, std::size_t total)> progress;
  /// Set from elsewhere (a signal) to stop early; null: never.
  const std::atomic<bool>* stop = nullptr;
};

/// Thrown when PredictOptions::stop was set.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

/// Simulates every row; result i belongs to row i, whatever the number of threads. A row that cannot be simulated is a
/// failed result with its reason: no such machine, no model, no kernel for the pattern, sizes that overflow.
/// Errors: Interrupted.
std::vector<RowPrediction> predict_rows(const std::vector<const Measurement*>& rows, SubstrateCache& substrates,
                                        const PredictOptions& options);

/// Fills in `lost` and `largest_loss` of the given results: for rows with a twin the waterfall from the ideal to the
/// predicted speedup, else the factors by which each mechanism lengthens the time; the largest of them. Each costs a
/// dozen simulations. rows and
/// predictions are parallel; `which` are indices into both. Failed rows are left alone. Errors: Interrupted.
void explain_rows(const std::vector<const Measurement*>& rows, std::vector<RowPrediction>& predictions,
                  const std::vector<std::size_t>& which, SubstrateCache& substrates, const PredictOptions& options);

}  // namespace sparsesim
