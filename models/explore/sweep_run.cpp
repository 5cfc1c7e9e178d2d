#include "models/explore/sweep_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mutex>

#include "sim/core/counts.h"
#include "sim/core/parallel.h"

namespace sparsesim {
namespace {

class SweepRun {
 public:
  SweepRun(const sweep::Design& design, Study& study, sweep::Store& store, const SweepOptions& options)
      : design_(design), study_(study), store_(store), options_(options), there_(at(design.size())) {
    sweep_ = store.add_sweep({sweep_hash(design), design.title(), design.paths(), design.count()});
    for (const std::int64_t position : store.positions(sweep_)) there_.at(at(position)) = true;
  }

  SweepOutcome run() {
    const auto total = design_.size();
    const auto done = [&](std::size_t count) {
      if (options_.progress) options_.progress(static_cast<std::int64_t>(count), total);
    };
    for_each_index(
        at(total), options_.threads, [&](std::size_t i) { visit(static_cast<std::int64_t>(i)); }, done, &halt_);
    if (failure_) std::rethrow_exception(failure_);
    outcome_.finished = !halt_;
    return outcome_;
  }

 private:
  void visit(std::int64_t position) {
    if (options_.stop && *options_.stop) halt_ = true;
    try {
      visit_point(position);
    } catch (const sweep::StoreError&) {  // the others would fail alike
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      halt_ = true;
    }
  }

  void visit_point(std::int64_t position) {
    if (there_[at(position)]) return count(outcome_.known);
    const auto setting = design_.setting(position);
    if (!setting) return count(outcome_.left_out);
    StudyPoint point;
    std::string mistake;  // the values do not go together
    try {
      point = study_.resolve(*setting);
    } catch (const config::ConfigError& error) {
      mistake = error.mistakes().front().message;
      point.hash = fnv1a(fmt::format("{}\n{}", fmt::join(*setting, "\n"), mistake));
    }
    const sweep::MemberRow member{position, point.hash, *setting};
    if (write_known(member)) return count(outcome_.known);
    sweep::PointRow row;
    if (mistake.empty())
      row = study_.simulate(point);
    else
      row.hash = point.hash, row.error = mistake;
    const std::lock_guard lock(mutex_);
    store_.add(sweep_, member, &row);
    ++outcome_.simulated;
    outcome_.failed += !row.error.empty();
  }

  bool write_known(const sweep::MemberRow& member) {
    const std::lock_guard lock(mutex_);
    if (!store_.has(member.point)) return false;
    store_.add(sweep_, member, nullptr);
    return true;
  }

  void count(std::int64_t& kind) {
    const std::lock_guard lock(mutex_);
    ++kind;
  }

  const sweep::Design& design_;
  Study& study_;
  sweep::Store& store_;
  const SweepOptions& options_;
  std::vector<bool> there_;  // positions that the file has
  std::int64_t sweep_ = 0;
  std::mutex mutex_;
  std::atomic<bool> halt_ = false;
  std::exception_ptr failure_;
  SweepOutcome outcome_;
};

}  // namespace

std::string sweep_hash(const sweep::Design& design) { return fnv1a(design.fingerprint()); }

SweepOutcome run_sweep(const sweep::Design& design, Study& study, sweep::Store& store, const SweepOptions& options) {
  return SweepRun(design, study, store, options).run();
}

}  // namespace sparsesim
