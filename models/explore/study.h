#pragma once
// The points of a sweep made real: values become a machine and a workload, which are simulated.

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/evaluate/interval.h"
#include "models/evaluate/run.h"
#include "models/evaluate/workload.h"
#include "sim/config/edit.h"
#include "sim/sweep/design.h"
#include "sim/sweep/store.h"

namespace sparsesim {

/// What is simulated at a point. Points that share a machine share its copy.
struct StudyPoint {
  std::shared_ptr<const Substrate> substrate;
  std::shared_ptr<const Workload> workload;
  std::string hash;  // key of a point (docs/sweep.md)
};

struct StudyOptions {
  SearchPath substrates, workloads;         // where names are looked up
  bool waterfall = false;                   // where the promised speedup went, at ten times the cost
  const std::atomic<bool>* stop = nullptr;  // set: points in flight end with RunStopped
};

/// Any number of threads may ask at once.
class Study {
 public:
  Study(std::vector<sweep::Parameter> parameters, StudyOptions options);

  /// The inputs at a setting: one value per parameter. Errors: config::ConfigError with every mistake of machine and
  /// workload, those of values with the place of the parameter, of files' names with theirs.
  StudyPoint resolve(const std::vector<std::string>& setting);
  /// Simulates a point. What the machine cannot run, and what is too large to simulate, is an `error` of the row.
  sweep::PointRow simulate(const StudyPoint& point);
  /// The same with everything that a run says. Errors: as run().
  RunResult run_point(const StudyPoint& point, const RunOptions& options) {
    return run(*point.workload, *point.substrate, options, &memo_);
  }
  /// What the uncertainty of the machine's constants makes of a speedup that run_point() gave. Errors: as predict().
  Interval interval_of(const StudyPoint& point, double speedup) {
    return speedup_interval(*point.workload, *point.substrate, point.workload->seed, speedup, &memo_);
  }

  const std::vector<sweep::Parameter>& parameters() const { return parameters_; }

 private:
  struct Machine {
    std::shared_ptr<const Substrate> substrate;
    Fnv1a inputs;  // of the version, what is asked of a point, and the machine
  };
  Machine machine(const std::vector<std::string>& setting);
  const Substrate& file(const std::vector<std::string>& setting);
  config::Node tree(const std::string& name, const config::Position& place);
  std::vector<config::Change> changes_of(std::size_t parameter, const std::string& value,
                                         const config::Node& tree) const;
  Workload read_changed(const config::Node& original, const std::vector<std::string>& setting) const;
  std::size_t index_of(std::string_view path) const;

  std::vector<sweep::Parameter> parameters_;
  StudyOptions options_;
  LaunchMemo memo_;
  std::mutex mutex_;  // of what was read
  std::map<std::vector<std::string>, std::shared_ptr<const Substrate>> files_;
  std::map<std::vector<std::string>, Machine> machines_;
  std::map<std::string, config::Node> trees_;
};

/// Why a point has no result, from the error that ended its simulation: what the machine cannot run, and what is too
/// large. Any other error is thrown on.
std::string reason_of(const std::exception_ptr& error);

using AcceptSetting = std::function<bool(const std::vector<std::string>& setting)>;

/// Tries each value of each parameter once, the others at their first, so that a wrong one is said before a long run.
/// Errors: config::ConfigError with every mistake that stands in a value itself; what only some combinations get wrong
/// is left to their points.
void check_values(Study& study, const std::vector<std::vector<std::string>>& values, const AcceptSetting& accepts = {});
/// The same with the values of a sweep; of a range its ends. A key that an op cannot do without has no value `absent`.
void check_values(const sweep::Design& design, Study& study);
/// The same, reported beside the mistakes of the design; parameters without values are left out.
void check_values(const sweep::Design& design, Study& study, config::Diagnostics& diagnostics);

}  // namespace sparsesim
