#include "models/explore/point_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "sim/core/counts.h"

namespace sparsesim {

std::string sweep_hash(const sweep::Design& design) { return fnv1a(design.fingerprint()); }

PointRunner::PointRunner(const sweep::Design& design, Study& study, sweep::Store& store, std::int64_t points)
    : design_(design), study_(study), store_(store) {
  sweep_ = store.add_sweep({sweep_hash(design), design.title(), design.paths(), points});
}

std::vector<bool> PointRunner::there() {
  std::vector<bool> there(at(design_.size()));
  for (const std::int64_t position : store_.positions(sweep_)) there.at(at(position)) = true;
  return there;
}

/// Of a point that this thread simulates; released with what was written, or with nothing after an error.
class PointRunner::Claim {
 public:
  Claim(PointRunner& runner, std::string point) : runner_(runner), point_(std::move(point)) {
    runner_.claimed_.insert(point_);
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() {
    const std::lock_guard lock(runner_.mutex_);
    runner_.claimed_.erase(point_);
    runner_.released_.notify_all();
  }

 private:
  PointRunner& runner_;
  const std::string point_;
};

Visited PointRunner::visit(std::int64_t position) {
  const auto setting = design_.setting(position);
  if (!setting) return {};
  StudyPoint point;
  std::string mistake;  // the values do not go together
  try {
    point = study_.resolve(*setting);
  } catch (const config::ConfigError& error) {
    mistake = error.mistakes().front().message;
    point.hash = fnv1a(fmt::format("{}\n{}", fmt::join(*setting, "\n"), mistake));
  }
  const sweep::MemberRow member{position, point.hash, *setting};
  std::unique_lock lock(mutex_);
  released_.wait(lock, [&] { return !claimed_.contains(point.hash); });
  if (add_known(member)) return {Visit::known, point.hash};
  if (elsewhere_ && elsewhere_(point.hash)) return {Visit::elsewhere, point.hash};
  const Claim claim(*this, point.hash);
  lock.unlock();
  sweep::PointRow row;
  if (mistake.empty())
    row = study_.simulate(point);
  else
    row.hash = point.hash, row.error = mistake;
  const std::lock_guard write(mutex_);
  store_.add(sweep_, member, &row);
  return {row.error.empty() ? Visit::simulated : Visit::failed, point.hash};
}

bool PointRunner::write_known(std::int64_t position, const std::string& point) {
  const auto setting = design_.setting(position);
  const std::lock_guard lock(mutex_);
  return setting && add_known({position, point, *setting});
}

bool PointRunner::add_known(const sweep::MemberRow& member) {
  if (!store_.has(member.point)) return false;
  store_.add(sweep_, member, nullptr);
  return true;
}

}  // namespace sparsesim
