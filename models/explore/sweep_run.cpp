#include "models/explore/sweep_run.h"

#include <exception>
#include <mutex>

#include "models/explore/point_runner.h"
#include "sim/core/counts.h"
#include "sim/core/parallel.h"

namespace sparsesim {
namespace {

class SweepRun {
 public:
  SweepRun(const sweep::Design& design, Study& study, sweep::Store& store, const SweepOptions& options)
      : runner_(design, study, store, design.count()), options_(options), there_(runner_.there()) {}

  SweepOutcome run() {
    const auto done = [&](std::size_t count) {
      if (options_.progress)
        options_.progress(static_cast<std::int64_t>(count), static_cast<std::int64_t>(there_.size()));
    };
    for_each_index(
        there_.size(), options_.threads, [&](std::size_t i) { visit(i); }, done, &halt_);
    if (failure_) std::rethrow_exception(failure_);
    outcome_.finished = !halt_;
    return outcome_;
  }

 private:
  void visit(std::size_t position) {
    if (options_.stop && *options_.stop) halt_ = true;
    try {
      count(there_[position] ? Visit::known : runner_.visit(static_cast<std::int64_t>(position)).visit);
    } catch (const sweep::StoreError&) {  // the others would fail alike
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      halt_ = true;
    }
  }

  void count(Visit visit) {
    const std::lock_guard lock(mutex_);
    outcome_.known += visit == Visit::known;
    outcome_.left_out += visit == Visit::left_out;
    outcome_.simulated += visit == Visit::simulated || visit == Visit::failed;
    outcome_.failed += visit == Visit::failed;
  }

  PointRunner runner_;
  const SweepOptions& options_;
  std::vector<bool> there_;  // positions that the file has
  std::mutex mutex_;
  std::atomic<bool> halt_ = false;
  std::exception_ptr failure_;
  SweepOutcome outcome_;
};

}  // namespace

SweepOutcome run_sweep(const sweep::Design& design, Study& study, sweep::Store& store, const SweepOptions& options) {
  return SweepRun(design, study, store, options).run();
}

}  // namespace sparsesim
