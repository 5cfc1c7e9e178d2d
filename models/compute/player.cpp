#include "models/compute/player.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "models/compute/launch_memo.h"
#include "models/compute/machine.h"

namespace sparsesim {
namespace {

// Dynamic energy per operation falls with the square of the voltage, which follows the clock: E(f) = E(f0) (f/f0)^2.
// Time follows the clock as far as the units' own pipes are busy, so power is idle + active * (f/f0)^(2 + that share).
double clock_that_fits(const Substrate& substrate, double active_joules, const LaunchResult& result) {
  const double scale = result.clock / substrate.compute.clock, seconds = result.time.seconds();
  const double power = active_joules * scale * scale / seconds;
  const double room = substrate.power.cap - substrate.power.idle;
  if (power <= room) return result.clock;
  const double pipes = *std::max_element(result.busy.begin(), result.busy.begin() + kPipes);
  const double exponent = 2 + std::min(1.0, pipes / seconds);
  return std::max(substrate.compute.clock_floor.value, result.clock * std::pow(room / power, 1 / exponent));
}

/// What a thread played last: an op that plays its kernels to choose one has the chosen one played again by its caller.
class RecentPlays {
 public:
  const LaunchResult* find(const LaunchMemo::Key& key) const {
    const auto found = std::find_if(plays_.begin(), plays_.end(), [&](const auto& play) { return play.first == key; });
    return found == plays_.end() ? nullptr : &found->second;
  }
  void insert(const LaunchMemo::Key& key, const LaunchResult& result) {
    if (plays_.size() < kMost) return static_cast<void>(plays_.emplace_back(key, result));
    plays_[oldest_] = {key, result};
    oldest_ = (oldest_ + 1) % kMost;
  }

 private:
  static constexpr std::size_t kMost = 32;  // several kernels at several clocks
  std::vector<std::pair<LaunchMemo::Key, LaunchResult>> plays_;
  std::size_t oldest_ = 0;
};

LaunchResult recall_or_play(const Launch& launch, const Substrate& substrate, bool without_overfetch, double clock_hz,
                            LaunchMemo* memo) {
  thread_local RecentPlays recent;
  const LaunchMemo::Key key = LaunchMemo::key(launch, substrate, without_overfetch, clock_hz);
  if (memo) {
    if (const auto known = memo->find(key)) return *known;
  }
  const LaunchResult* const last = recent.find(key);
  const LaunchResult result = last ? *last : play_at_clock(launch, substrate, without_overfetch, clock_hz);
  if (!last) recent.insert(key, result);
  if (memo) memo->insert(key, result);
  return result;
}

/// The launch without the mechanisms that its own play does not know: uneven work and the cost of the call.
LaunchResult make_ideal(LaunchResult result, const Ideal& ideal) {
  double seconds = result.time.seconds() - result.fixed_seconds;
  if (ideal.imbalance) seconds = std::max(result.balanced_seconds, result.bound_seconds());
  if (ideal.fixed_cost) result.fixed_seconds = 0;
  if (ideal.imbalance || ideal.fixed_cost) result.time = Time::from_seconds(seconds + result.fixed_seconds);
  return result;
}

}  // namespace

DeviceResource LaunchResult::bound() const {
  return static_cast<DeviceResource>(std::max_element(busy.begin(), busy.end()) - busy.begin());
}
double LaunchResult::bound_seconds() const { return *std::max_element(busy.begin(), busy.end()); }
double LaunchResult::utilisation() const { return time.ps > 0 ? bound_seconds() / time.seconds() : 0.0; }

double active_energy(const Launch& launch, const LaunchCounters& counters, const Substrate& substrate) {
  const auto found = substrate.power.per_flop.find(launch.dtype);
  const double per_flop = found == substrate.power.per_flop.end() ? 0.0 : found->second.value;
  return 2 * counters.issued_macs * per_flop + counters.l2_bytes * substrate.power.per_l2_byte +
         counters.dram_bytes * substrate.power.per_dram_byte;
}

LaunchResult play_at_clock(const Launch& launch, const Substrate& substrate, bool without_overfetch, double clock_hz) {
  return Machine(launch, substrate, without_overfetch, clock_hz).run();
}

std::vector<TaskSpan> task_schedule(const Launch& launch, const Substrate& substrate, double clock_hz) {
  std::vector<TaskSpan> spans;
  spans.reserve(launch.tasks.size());
  Machine machine(launch, substrate, false, clock_hz);
  machine.record(&spans);
  machine.run();
  return spans;
}

LaunchResult play(const Launch& launch, const Substrate& substrate, const Ideal& ideal, LaunchMemo* memo) {
  constexpr int kRounds = 4;
  constexpr double kCloseEnough = 0.005;
  double clock = substrate.compute.clock;
  LaunchResult result = recall_or_play(launch, substrate, ideal.overfetch, clock, memo);
  for (int round = 0; round < kRounds; ++round) {
    const double joules = active_energy(launch, result.counters, substrate);
    const double fitting = clock_that_fits(substrate, joules, result);
    if (clock - fitting < kCloseEnough * clock) break;
    clock = fitting;
    result = recall_or_play(launch, substrate, ideal.overfetch, clock, memo);
  }
  return make_ideal(result, ideal);
}

}  // namespace sparsesim
