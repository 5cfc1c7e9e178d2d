#pragma once
// Where a function of whole positions crosses a target: brackets between samples, then bisection. Knows no machine.

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace sparsesim {

struct Sample {
  std::int64_t position = 0;
  double value = 0;
};

/// Two samples on different sides of a target: one is above it, the other is not.
struct Bracket {
  Sample left, right;  // left.position < right.position
  bool pays_right(double target) const { return right.value > target; }
  const Sample& pays(double target) const { return pays_right(target) ? right : left; }
  const Sample& fails(double target) const { return pays_right(target) ? left : right; }
  /// Nothing lies between: the crossing is known as well as it can be.
  bool closed() const { return right.position - left.position == 1; }
};

/// Every pair of neighbours, in order of position, of which one is above the target and the other is not. A value equal
/// to the target is not above it; one that is not finite is left out.
std::vector<Bracket> brackets(std::span<const Sample> samples, double target);

/// Halves a bracket until its ends are neighbours. Where the function has no finite value the nearest position that has
/// one is taken instead, among the kProbes nearest of the middle; if none has, the bracket stays as wide as it is.
/// Returns early once `stop` is set. Of several crossings inside it finds one, the same one every time.
Bracket narrow(Bracket bracket, double target, const std::function<std::optional<double>(std::int64_t)>& f,
               const std::atomic<bool>* stop = nullptr);

inline constexpr std::int64_t kProbes = 16;

}  // namespace sparsesim
