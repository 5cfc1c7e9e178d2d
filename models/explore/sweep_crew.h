#pragma once
// The threads of one rank: they visit the positions that it was given.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "models/explore/point_runner.h"
#include "models/explore/sweep_dealer.h"

namespace sparsesim {

/// What a crew did since it was last asked.
struct CrewReport {
  std::int64_t visited = 0, left_out = 0;
  Runs spare;                                                   // given, not begun, better done by others
  std::vector<std::pair<std::int64_t, std::string>> elsewhere;  // positions and their points (Visit::elsewhere)
  bool empty() const { return visited == 0 && spare.empty(); }
};

/// The error at the lowest position; one of the results file ends the work of the crew and comes before all others.
struct CrewFailure {
  std::int64_t position = -1;  // -1: of the file
  std::exception_ptr error;
};

/// Its threads run until halt(). One thread asks.
class Crew {
 public:
  using VisitPosition = std::function<Visited(std::int64_t position)>;  // PointRunner::visit
  /// `at_hand`: seconds of work that it likes to have before it.
  Crew(VisitPosition visit, int threads, double at_hand);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  int threads() const { return static_cast<int>(since_.size()); }
  /// How many more positions would keep it busy; 0 while it has enough. How many make up the work at hand it learns as
  /// it goes; points dearer than that it takes one by one.
  std::int64_t wanted();
  void give(const Runs& runs);
  CrewReport report();
  /// Nothing at hand and nothing in flight.
  bool idle();
  /// The points in flight are finished, no further one begins; returns when the threads have ended.
  void halt();
  /// Waits until a thread has nothing to do, but not longer than that.
  void wait(std::chrono::microseconds most);
  std::optional<CrewFailure> failure();

 private:
  using Clock = std::chrono::steady_clock;

  void work(std::size_t helper);
  void visit_unlocked(std::int64_t position, std::unique_lock<std::mutex>& lock);
  void fail(std::int64_t position, std::exception_ptr error);
  double seconds_per_position() const;
  std::int64_t goal() const;

  const VisitPosition visit_;
  const double at_hand_;
  std::mutex mutex_;
  std::condition_variable work_there_, work_missing_;
  std::deque<Run> queue_;
  std::int64_t queued_ = 0, waiting_ = 0;
  bool halted_ = false, missing_ = false;  // missing_: since the last wait() a thread found nothing to do
  double mean_ = 0;                        // seconds of a position, recent ones above all
  std::vector<Clock::time_point> since_;   // when each thread began its position; min() where it has none
  CrewReport report_;
  CrewFailure failure_;
  std::vector<std::jthread> helpers_;
};

}  // namespace sparsesim
