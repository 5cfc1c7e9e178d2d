#pragma once
// One position of a sweep: its point is simulated, where nobody did so before, and written down.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "models/explore/study.h"

namespace sparsesim {

/// What became of a position.
enum class Visit {
  left_out,   // fails a condition
  known,      // leads to a point that the file has
  elsewhere,  // leads to a point that another file has; nothing was written
  simulated,
  failed  // simulated: the machine cannot run it
};

struct Visited {
  Visit visit = Visit::left_out;
  std::string point;  // its key; empty where left out
};

/// Key of a sweep in a results file.
std::string sweep_hash(const sweep::Design& design);

/// Any number of threads may visit at once; of those that come to equal points, one simulates and the others wait.
class PointRunner {
 public:
  /// Writes `points`, the number of points of the sweep, where the file does not know the sweep.
  PointRunner(const sweep::Design& design, Study& study, sweep::Store& store, std::int64_t points);
  /// Which positions the file has.
  std::vector<bool> there();
  /// Points that another file has: they are not simulated. Called before the first visit.
  void set_elsewhere(std::function<bool(const std::string& point)> has) { elsewhere_ = std::move(has); }
  /// Errors: sweep::StoreError; what simulating throws.
  Visited visit(std::int64_t position);
  /// Writes that a position leads to a point that the file has. Whether it has.
  bool write_known(std::int64_t position, const std::string& point);

 private:
  class Claim;
  bool add_known(const sweep::MemberRow& member);

  const sweep::Design& design_;
  Study& study_;
  sweep::Store& store_;
  std::function<bool(const std::string&)> elsewhere_;
  std::int64_t sweep_ = 0;
  std::mutex mutex_;               // of what follows, and the file
  std::set<std::string> claimed_;  // points that some thread simulates
  std::condition_variable released_;
};

}  // namespace sparsesim
