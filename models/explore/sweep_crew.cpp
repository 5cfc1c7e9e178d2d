#include "models/explore/sweep_crew.h"

#include <algorithm>
#include <cmath>

namespace sparsesim {
namespace {

using Seconds = std::chrono::duration<double>;

// What keeps messages rare and the ranks even; results do not depend on them.
constexpr double kTooMuch = 10;             // times the work that it likes to have before it: it gives some back
constexpr double kMemory = 1.0 / 16;        // weight of the newest position in the mean
constexpr std::int64_t kMostAtHand = 1024;  // positions for each thread

}  // namespace

Crew::Crew(VisitPosition visit, int threads, double at_hand)
    : visit_(std::move(visit)), at_hand_(at_hand), since_(static_cast<std::size_t>(threads)) {
  for (std::size_t i = 0; i < since_.size(); ++i) helpers_.emplace_back([this, i] { work(i); });
}

Crew::~Crew() { halt(); }

void Crew::work(std::size_t helper) {
  std::unique_lock lock(mutex_);
  while (true) {
    ++waiting_;
    if (queue_.empty()) missing_ = true, work_missing_.notify_one();
    work_there_.wait(lock, [&] { return halted_ || !queue_.empty(); });
    if (halted_) return;
    --waiting_;
    const std::int64_t position = queue_.front().begin++;
    if (queue_.front().size() == 0) queue_.pop_front();
    --queued_;
    since_[helper] = Clock::now();
    visit_unlocked(position, lock);
    const double took = Seconds(Clock::now() - since_[helper]).count();
    since_[helper] = {};
    mean_ = mean_ == 0 ? took : mean_ + kMemory * (took - mean_);
  }
}

void Crew::visit_unlocked(std::int64_t position, std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  Visited visited;
  std::exception_ptr error;
  bool of_file = false;
  try {
    visited = visit_(position);
  } catch (const sweep::StoreError&) {
    error = std::current_exception();
    of_file = true;
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  ++report_.visited;
  if (error) return fail(of_file ? -1 : position, error);
  report_.left_out += visited.visit == Visit::left_out;
  if (visited.visit == Visit::elsewhere) report_.elsewhere.emplace_back(position, std::move(visited.point));
}

void Crew::fail(std::int64_t position, std::exception_ptr error) {
  if (!failure_.error || position < failure_.position) failure_ = {position, std::move(error)};
  if (position < 0) halted_ = missing_ = true, work_there_.notify_all(), work_missing_.notify_one();
}

/// A position in flight counts as if it ended now: else one dear position would hold many others for long.
double Crew::seconds_per_position() const {
  double longest = 0;
  for (const Clock::time_point began : since_)
    if (began != Clock::time_point{}) longest = std::max(longest, Seconds(Clock::now() - began).count());
  return std::max(mean_, mean_ + kMemory * (longest - mean_));
}

/// Positions to have at hand, besides those in flight.
std::int64_t Crew::goal() const {
  if (mean_ == 0) return 0;
  return threads() * std::min(static_cast<std::int64_t>(at_hand_ / seconds_per_position()), kMostAtHand);
}

std::int64_t Crew::wanted() {
  const std::lock_guard lock(mutex_);
  const std::int64_t most = goal(), before = queued_ - waiting_;
  return halted_ || 2 * before > most || before == most ? 0 : most - before;
}

void Crew::give(const Runs& runs) {
  const std::lock_guard lock(mutex_);
  queue_.insert(queue_.end(), runs.begin(), runs.end());
  queued_ += size(runs);
  work_there_.notify_all();
}

CrewReport Crew::report() {
  const std::lock_guard lock(mutex_);
  if (!halted_ && static_cast<double>(queued_) * seconds_per_position() > kTooMuch * at_hand_ * threads()) {
    for (std::int64_t most = goal() + waiting_; queued_ > most;) {
      Run& last = queue_.back();
      const std::int64_t count = std::min(last.size(), queued_ - most);
      report_.spare.push_back({last.end - count, last.end});
      last.end -= count;
      queued_ -= count;
      if (last.size() == 0) queue_.pop_back();
    }
  }
  return std::exchange(report_, {});
}

bool Crew::idle() {
  const std::lock_guard lock(mutex_);
  return queued_ == 0 && waiting_ == threads();
}

void Crew::halt() {
  {
    const std::lock_guard lock(mutex_);
    halted_ = true;
    work_there_.notify_all();
  }
  for (std::jthread& helper : helpers_)
    if (helper.joinable()) helper.join();
}

void Crew::wait(std::chrono::microseconds most) {
  std::unique_lock lock(mutex_);
  work_missing_.wait_for(lock, most, [&] { return std::exchange(missing_, false); });
}

std::optional<CrewFailure> Crew::failure() {
  const std::lock_guard lock(mutex_);
  return failure_.error ? std::optional(failure_) : std::nullopt;
}

}  // namespace sparsesim
