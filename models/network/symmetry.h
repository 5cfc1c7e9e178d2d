#pragma once
// Which flows and links are alike, so that one of each stands for all.

#include <cstdint>
#include <vector>

#include "models/network/max_min.h"

namespace sparsesim {

/// Flows that keep equal rates for ever, and links that carry the same load.
struct FlowClasses {
  std::vector<int> of_flow;          // [flows] class
  std::vector<std::size_t> members;  // [classes] flows in it
  std::vector<int> example;          // [classes] its first flow
  SharingProblem quotient;           // one flow per class, one link per class of links
};

/// Coarsest equitable partition of flows and links, by colour refinement: links start with their capacity as colour,
/// flows with `weight` (their bytes); a flow's next colour is its own with the multiset of its links' colours and
/// shares, a link's its own with that of its flows; until the number of colours stands still. Flows of one class then
/// meet the same equations in the max-min problem, whose solution is unique, so they have the same rate at all times.
/// In the quotient a class of flows uses of a class of links what all its members together use of one such link.
/// Colours are 64-bit hashes of integers: the same on every machine. O(uses) per round, few rounds.
FlowClasses classify(const SharingProblem& problem, const std::vector<double>& weight);

}  // namespace sparsesim
