#pragma once
// Points of an atlas: simulated once, remembered in a results file so that an interrupted atlas goes on where it was.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "models/explore/atlas/machines.h"
#include "models/explore/study.h"

namespace sparsesim::atlas {

/// A shipped workload of one op, and what is changed in it.
struct Question {
  std::string workload;
  std::vector<std::pair<std::string, std::string>> set;  // path (docs/sweep.md) and value
};

/// Any number of threads may ask at once.
class Points {
 public:
  /// `store`: where points are found and written; null for none.
  Points(SearchPath substrates, SearchPath workloads, sweep::Store* store)
      : substrates_(std::move(substrates)), workloads_(std::move(workloads)), store_(store) {}

  /// The point, with where the promised speedup went if asked. What the machine cannot run has an `error`.
  sweep::PointRow at(const Machine& machine, const Question& question, bool waterfall = false);
  /// The same on a machine that no file describes.
  sweep::PointRow on(const Substrate& substrate, const Machine& like, const Question& question);
  /// Points that were simulated, and points that the results file had.
  struct Counts {
    std::int64_t simulated = 0, known = 0;
  };
  const Counts& counts() const { return counts_; }

  /// Range of a speedup that at() gave (docs/models/interval.md).
  Interval interval(const Machine& machine, const Question& question, double speedup);

 private:
  struct Shifted {
    std::shared_ptr<const Substrate> substrate;
    std::string digest;
  };
  Study& study(const Question& question, bool waterfall);
  /// Errors: config::ConfigError for a question that cannot be asked.
  StudyPoint resolve(const Machine& machine, const Question& question, bool waterfall);
  sweep::PointRow point(Study& study, const StudyPoint& inputs);
  const std::vector<Shifted>& shifted_of(const Machine& machine);

  SearchPath substrates_, workloads_;
  sweep::Store* store_;
  std::mutex mutex_;
  Counts counts_;
  std::map<std::string, std::unique_ptr<Study>> studies_;
  std::map<std::string, sweep::PointRow> known_;         // by hash
  std::map<std::string, std::vector<Shifted>> shifted_;  // by machine
};

}  // namespace sparsesim::atlas
