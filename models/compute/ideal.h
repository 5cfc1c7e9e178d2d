#pragma once
// Mechanisms that a counterfactual run takes away.

#include <compare>

namespace sparsesim {

/// Mechanisms that a counterfactual run makes ideal, one flag per term of the waterfall.
struct Ideal {
  bool fixed_cost = false;  // launches, graph nodes, set-up and collective floors cost nothing
  bool padding = false;     // work is not rounded up to tiles: issued work equals useful work
  bool metadata = false;    // indices and their decoding cost nothing
  bool overfetch = false;   // lines carry only useful bytes; gathered access is as good as contiguous
  bool imbalance = false;   // work spreads evenly over units and devices; no tail
  bool fabric = false;      // exchanges take no time
  auto operator<=>(const Ideal&) const = default;
};

}  // namespace sparsesim
