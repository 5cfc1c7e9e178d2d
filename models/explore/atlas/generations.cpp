// How a speedup moved from one machine to the next, and which part of the machine moved it.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "models/explore/atlas/asking.h"

namespace sparsesim::atlas {
namespace {

constexpr std::size_t kParts = kExchanged.size(), kMixtures = std::size_t{1} << kParts;
constexpr std::size_t kKernels = 3;  // of kExchanged

/// The old machine with some parts of the new one: bit i of `mixture` is kExchanged[i].
Substrate exchanged(const Substrate& before, const Substrate& after, std::size_t mixture) {
  Substrate machine = before;
  if (mixture & 1) {
    machine.compute = after.compute;
    machine.power = after.power;
  }
  if (mixture & 2) machine.memory = after.memory;
  if (mixture & 4) machine.dispatch = after.dispatch;
  if (mixture & 8) {
    machine.kernels = after.kernels;
    machine.architecture = after.architecture;
  }
  return machine;
}

/// What each part adds to a sum, the mean over all orders in which the parts could be exchanged: the Shapley value,
/// sum over mixtures S without i of |S|! (n - |S| - 1)! / n! (sum(S + i) - sum(S)).
/// Source: L. S. Shapley, A value for n-person games, 1953.
std::array<double, kParts> shapley(const std::array<double, kMixtures>& sums) {
  constexpr std::array<double, kParts> kWeights = {6.0 / 24, 2.0 / 24, 2.0 / 24, 6.0 / 24};  // by |S|, n = 4
  static_assert(kParts == 4);
  std::array<double, kParts> values{};
  for (std::size_t part = 0; part < kParts; ++part)
    for (std::size_t mixture = 0; mixture < kMixtures; ++mixture) {
      const std::size_t with = mixture | std::size_t{1} << part;
      if (with == mixture) continue;
      values[part] += kWeights[static_cast<std::size_t>(std::popcount(mixture))] * (sums[with] - sums[mixture]);
    }
  return values;
}

Question probe_question(const Probe& probe, const std::string& dtype) {
  if (probe.kind < 0) return projection(weight_patterns()[probe.pattern], probe.rows, probe.share, dtype);
  const KindQuestion& kind = kind_questions()[static_cast<std::size_t>(probe.kind)];
  Question question{std::string(kind.workload), kind.set};
  if (!kind.dtype.empty()) question.set.emplace_back(kind.dtype, dtype);
  return question;
}

}  // namespace

std::optional<Step> generation_step(Points& points, const Machine& before, const Machine& after, const Probe& probe) {
  const Answer old = ask(points, before, [&](const std::string& dtype) { return probe_question(probe, dtype); });
  const sweep::PointRow now = points.at(after, old.question);
  if (!old.reason().empty() || !now.error.empty() || now.fallback) return {};
  Step step;
  step.before = old.row.realised_speedup;
  step.after = now.realised_speedup;
  std::array<double, kMixtures> logs{};  // of the speedup on each mixture
  for (std::size_t mixture = 0; mixture < kMixtures; ++mixture) {
    double speedup = mixture == 0 ? step.before : step.after;
    if (mixture != 0 && mixture != kMixtures - 1) {
      const sweep::PointRow row =
          points.on(exchanged(*before.substrate, *after.substrate, mixture), before, old.question);
      const std::size_t without = mixture & ~(std::size_t{1} << kKernels);
      const bool fits = row.error.empty() && !row.fallback;
      if (!fits && without == mixture) return {};
      speedup = fits ? row.realised_speedup : std::exp(logs[without]);  // new kernels that the old parts cannot hold
    }
    logs[mixture] = std::log(speedup);
  }
  const auto values = shapley(logs);
  std::transform(values.begin(), values.end(), step.factors.begin(), [](double value) { return std::exp(value); });
  return step;
}

}  // namespace sparsesim::atlas
