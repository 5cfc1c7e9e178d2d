#include "models/evaluate/host.h"

#include <algorithm>

#include "models/ops/op.h"

namespace sparsesim {
namespace {

constexpr const char* kFrameworkCall = "framework_call";

Time call_time(const Substrate& substrate) {
  for (const Kernel& kernel : substrate.kernels)
    if (kernel.op == kFrameworkCall) return Time::from_seconds(kernel.constants.at("call_us").value * 1e-6);
  throw UnsupportedError("the kernel library of " + substrate.name + " has no framework_call: what a call takes");
}

/// Runs until round `round` of `rounds`, such that each round has as many as the others, or one more.
std::int64_t runs_before(std::int64_t runs, std::int64_t round, std::int64_t rounds) {
  return runs / rounds * round + runs % rounds * round / rounds;
}

}  // namespace

Host host_of(HostKind kind, const Substrate& substrate) {
  if (kind == HostKind::graph) return {};
  Host host{kind, {}, Time::from_seconds(substrate.dispatch.launch)};
  if (kind == HostKind::eager) host.call = call_time(substrate);
  return host;
}

HostedTime then(const HostedTime& a, const HostedTime& b) {
  return {checked_sum(a.host, b.host), checked_sum(a.device, b.device),
          std::max(checked_sum(a.both, b.device), checked_sum(a.host, b.both))};
}

HostedTime times(const HostedTime& run, std::int64_t n) {
  return {checked_product(run.host, n), checked_product(run.device, n),
          checked_sum(run.both, checked_product(std::max(run.host, run.device), n - 1))};
}

HostedTime in_turns(std::span<const HostedRuns> ops) {
  std::int64_t most = 1;
  for (const HostedRuns& op : ops) most = std::max(most, op.runs);
  const std::int64_t rounds = std::min(most, kRoundsMost);
  HostedTime all;
  if (ops.size() == 1) return times(ops.front().run, ops.front().runs);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (const HostedRuns& op : ops) {
      const std::int64_t runs = runs_before(op.runs, round + 1, rounds) - runs_before(op.runs, round, rounds);
      if (runs > 0) all = then(all, times(op.run, runs));
    }
  }
  return all;
}

}  // namespace sparsesim
