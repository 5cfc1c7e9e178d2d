#include "models/explore/crossing.h"

#include <cmath>

namespace sparsesim {
namespace {

/// A sample inside the bracket, as near to its middle as one can be had.
std::optional<Sample> near_middle(const Bracket& bracket, const std::function<std::optional<double>(std::int64_t)>& f) {
  const std::int64_t middle = bracket.left.position + (bracket.right.position - bracket.left.position) / 2;
  for (std::int64_t probe = 0; probe < kProbes; ++probe) {
    const std::int64_t away = (probe + 1) / 2;  // 0, +1, -1, +2, -2, ...
    const std::int64_t position = middle + (probe % 2 == 1 ? away : -away);
    if (position <= bracket.left.position || position >= bracket.right.position) continue;
    if (const auto value = f(position); value && std::isfinite(*value)) return Sample{position, *value};
  }
  return std::nullopt;
}

}  // namespace

std::vector<Bracket> brackets(std::span<const Sample> samples, double target) {
  std::vector<Bracket> found;
  const Sample* last = nullptr;
  for (const Sample& sample : samples) {
    if (!std::isfinite(sample.value)) continue;
    if (last != nullptr && (last->value > target) != (sample.value > target)) found.push_back({*last, sample});
    last = &sample;
  }
  return found;
}

Bracket narrow(Bracket bracket, double target, const std::function<std::optional<double>(std::int64_t)>& f,
               const std::atomic<bool>* stop) {
  while (!bracket.closed() && !(stop != nullptr && *stop)) {
    const auto middle = near_middle(bracket, f);
    if (!middle) break;
    const bool like_left = (middle->value > target) == (bracket.left.value > target);
    (like_left ? bracket.left : bracket.right) = *middle;
  }
  return bracket;
}

}  // namespace sparsesim
