#pragma once
// A whole workload on one machine: what `sparsesim run` says (docs/output.md).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/evaluate/evaluate.h"
#include "models/evaluate/workload.h"

namespace sparsesim {

/// Range of the realised speedup that the uncertainty of the machine's constants allows.
struct Interval {
  double low = 0, high = 0;
};

struct OpResult {
  std::string name, kind, pattern;
  std::int64_t repeat = 1;
  std::int64_t bubble = 0;   // as many runs more, a device of a pipeline is idle
  std::int64_t removed = 0;  // of the runs, those that the dense twin alone has
  OpPrediction prediction;   // of one run; `sparsity` counts those that are removed
  std::vector<LossTerm> lost;
  Time dense_start, sparse_start;
  double dense_us() const { return prediction.dense_us() * static_cast<double>(repeat + bubble); }
  double sparse_us() const { return prediction.sparse_us() * static_cast<double>(repeat - removed + bubble); }
  double realised_speedup() const {
    return removed == 0 ? prediction.realised_speedup() : speedup_of(dense_us(), sparse_us());
  }
};

/// What runs with other seeds say; microseconds. Percentiles are nearest ranks (distribution.h).
struct Spread {
  double min = 0, p50 = 0, p95 = 0, max = 0;
};
struct Distribution {
  std::uint64_t first_seed = 1;
  std::int64_t seeds = 0;  // consecutive ones
  Spread dense_us, sparse_us, realised_speedup;
};

/// What a whole model needs on each device, and what there is; bytes.
struct RunMemory {
  std::int64_t devices = 1;
  PassMemory need;
  double capacity = 0;
  bool fits() const { return need.total() <= capacity; }
};

/// What people say of a training step.
struct RunTraining {
  double tokens = 0;                  // of the step, over all devices
  double dense_rate = 0, rate = 0;    // tokens per second and device
  double dense_share = 0, share = 0;  // of the machine's peak, model FLOP alone (MFU); 0: no rate for the type
};

struct RunOptions {
  std::uint64_t seed = 1;
  bool interval = true;
  bool explain = true;           // counterfactuals; false: times alone
  Timeline* timeline = nullptr;  // records the sparse run
};

struct RunResult {
  std::string substrate, workload;
  std::uint64_t seed = 1;
  std::string inputs_hash;   // hash_inputs(), for those who write it
  SparsitySummary sparsity;  // of the whole: weighted by the dense time of each op
  Time dense, sparse;
  std::vector<LossTerm> lost;
  double ideal_speedup = 1, quick_estimate = 1;
  double coverage = 0;  // share of the dense time that sparse kernels replace
  double amdahl = 1;    // 1 / ((1-f) + f/s), s the speedup of the covered part
  Interval interval;
  HostKind host = HostKind::graph;
  Time dense_issue, sparse_issue;  // that the host needs for all ops; with graphs none
  RunCounters dense_counters, sparse_counters;
  std::array<double, kResources> dense_busy{}, sparse_busy{};
  std::vector<OpResult> ops;
  std::optional<RunMemory> memory;           // of a whole model
  std::optional<RunTraining> training;       // of a step of its training
  std::vector<std::string> notes;            // of the machine: types that it has not, ops that it cannot hold
  std::optional<Distribution> distribution;  // over seeds, where it was asked for
  double realised_speedup() const { return speedup_of(dense.seconds(), sparse.seconds()); }
};

/// Errors: UnsupportedError when the machine cannot run an op even densely, or has fewer devices than a model needs;
/// config::ConfigError for an op too large to simulate. Both name the op's place in its file. `memo` is shared by runs
/// that repeat launches; without one the run has its own.
RunResult run(const Workload& workload, const Substrate& substrate, const RunOptions& options,
              LaunchMemo* memo = nullptr);

/// Hash of both resolved inputs, the files they name and the seed.
std::string hash_inputs(const Workload& workload, const Substrate& substrate, std::uint64_t seed);

/// A short table for people; with `kernels` each op has a line with the kernels that it launches.
std::string format_table(const RunResult& result, bool kernels = false);
/// One line: both times, the speedup and its range.
std::string format_summary(const RunResult& result);
/// The JSON contract of docs/output.md.
std::string format_json(const RunResult& result);

/// 64-bit FNV-1a of a text, as 16 hexadecimal digits. Source: Fowler, Noll, Vo.
std::string fnv1a(std::string_view text);
/// The same of a text that comes in parts.
class Fnv1a {
 public:
  void add(std::string_view part);
  std::string digits() const;

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace sparsesim
