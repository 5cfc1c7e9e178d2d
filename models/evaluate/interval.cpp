#include "models/evaluate/interval.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "models/evaluate/schedule.h"
#include "sim/core/parallel.h"

namespace sparsesim {

namespace {

constexpr std::array<const char*, 6> kGroups{"compute", "dispatch", "memory", "fabric", "power", "kernels"};

/// +1 where a larger value makes the machine slower, -1 where faster, 0 where neither is known.
int slow_direction(const std::string& path, config::Dimension dimension) {
  using D = config::Dimension;
  switch (dimension) {
    case D::time:
    case D::cycles:
    case D::energy:
    case D::energy_rate:
      return +1;
    case D::bandwidth:
    case D::frequency:
    case D::per_cycle:
    case D::flop_rate:
    case D::rate:
    case D::share:
    case D::power:
      return -1;
    case D::bytes:
      return path.ends_with("capacity") || path.ends_with("bytes_in_flight") ? -1 : 0;
    case D::none:
      break;
  }
  for (const char* suffix : {"_cycles", "_us", "_ns", "_seconds", "_s"})
    if (path.ends_with(suffix)) return +1;
  for (const char* suffix : {"efficiency", "_share"})
    if (path.ends_with(suffix)) return -1;
  return 0;
}

/// The same with a host: its schedules.
double hosted_speedup_on(const Workload& workload, const Substrate& substrate, std::uint64_t seed, LaunchMemo* memo) {
  const Host host = host_of(workload.host, substrate);
  Schedule dense(true), sparse(true);
  for (const auto& op : workload.ops) {
    const OpPrediction prediction = predict(*op.op, substrate, seed, memo, 1, issue_of(op, host));
    dense.place(op, prediction.dense, op.passes(), op.repeat);
    sparse.place(op, prediction.sparse, op.sparse_passes(), op.repeat - op.removed);
  }
  return speedup_of(dense.makespan().seconds(), sparse.makespan().seconds());
}

/// Dense and sparse seconds of the whole workload, ops one after the other.
double speedup_on(const Workload& workload, const Substrate& substrate, std::uint64_t seed, LaunchMemo* memo) {
  if (workload.host != HostKind::graph) return hosted_speedup_on(workload, substrate, seed, memo);
  double dense = 0, sparse = 0;
  for (const auto& op : workload.ops) {
    const OpPrediction prediction = predict(*op.op, substrate, seed, memo);
    dense += prediction.dense_us() * static_cast<double>(op.passes());
    sparse += prediction.sparse_us() * static_cast<double>(op.sparse_passes());
  }
  return speedup_of(dense, sparse);
}

}  // namespace

double default_spread(Provenance kind) {
  switch (kind) {
    case Provenance::spec:
      return 0.0;
    case Provenance::measured:
      return 0.03;
    case Provenance::fitted:
      return 0.08;
    case Provenance::guessed:
      return 0.30;
  }
  return 0.30;
}

Substrate shifted(const Substrate& substrate, const std::string& group, bool slow) {
  Substrate copy = substrate;
  visit(copy, [&](const std::string& path, Quantity& quantity, config::Dimension dimension, const char*, bool) {
    if (!path.starts_with(group + ".")) return;
    const int direction = slow_direction(path, dimension) * (slow ? 1 : -1);
    const bool ranged = quantity.low < quantity.high;
    if (direction == 0 || (dimension == config::Dimension::bytes && !ranged)) return;
    const double spread = default_spread(quantity.kind);
    const double high = ranged ? quantity.high : quantity.value * (1 + spread);
    const double low = ranged ? quantity.low : quantity.value / (1 + spread);
    quantity.value = direction > 0 ? high : low;
    if (dimension == config::Dimension::share || path.ends_with("efficiency"))
      quantity.value = std::min(quantity.value, 1.0);
  });
  return copy;
}

std::vector<Substrate> shifted_machines(const Substrate& substrate) {
  std::vector<Substrate> machines;
  for (const char* group : kGroups)
    for (const bool slow : {true, false}) machines.push_back(shifted(substrate, group, slow));
  return machines;
}

Interval interval_from(double speedup, std::span<const double> shifted_speedups) {
  double down = 0, up = 0;
  for (std::size_t i = 0; i + 1 < shifted_speedups.size(); i += 2) {
    const double slow = std::log(shifted_speedups[i] / speedup), fast = std::log(shifted_speedups[i + 1] / speedup);
    const double lowest = std::min({0.0, slow, fast}), highest = std::max({0.0, slow, fast});
    down += lowest * lowest;
    up += highest * highest;
  }
  return {speedup * std::exp(-std::sqrt(down)), speedup * std::exp(std::sqrt(up))};
}

Interval speedup_interval(const Workload& workload, const Substrate& substrate, std::uint64_t seed, double speedup,
                          LaunchMemo* memo) {
  std::array<double, 2 * kGroups.size()> speedups{};  // even: slow, odd: fast
  for_each_index(speedups.size(), 0, [&](std::size_t i) {
    const Substrate moved = shifted(substrate, kGroups[i / 2], i % 2 == 0);
    speedups[i] = speedup_on(workload, moved, seed, memo);
  });
  return interval_from(speedup, speedups);
}

}  // namespace sparsesim
