#pragma once
// Max-min fair sharing of links among flows: mathematics only, no time and no events.

#include <vector>

#include "models/network/topology.h"

namespace sparsesim {

/// Flows and what each takes of every link per unit of its rate. Compressed rows: flow f uses
/// uses[first[f]..first[f+1]).
struct SharingProblem {
  std::vector<double> capacity;    // [links] B/s
  std::vector<std::size_t> first;  // [flows + 1]
  std::vector<LinkUse> uses;       // a link at most once per flow
};

/// Solves for rates, again and again as flows end.
///
/// The max-min allocation is the one feasible vector of rates r where no flow can gain without taking from a flow that
/// has no more:
///   sum over flows of use(f, l) * r(f) <= capacity(l) for every link l,
///   every flow f crosses a saturated link on which no other flow has a higher rate.
/// Progressive filling finds it: all rates rise together; the link with the smallest
///   level(l) = (capacity(l) - sum of use * r over fixed flows) / sum of use over rising flows
/// saturates first and fixes its flows at that level. O(uses * log links).
/// Source: Bertsekas and Gallager, Data Networks, 2nd ed., section 6.5.2.
class MaxMin {
 public:
  /// Errors: std::invalid_argument for a flow without links, a capacity or a use that is not positive.
  explicit MaxMin(SharingProblem problem);

  /// Rates [flows] in B/s; 0 for flows that are not active.
  const std::vector<double>& solve(const std::vector<char>& active);
  std::size_t flows() const { return problem_.first.size() - 1; }
  const SharingProblem& problem() const { return problem_; }

 private:
  SharingProblem problem_;
  std::vector<std::size_t> link_first_;  // [links + 1] into link_flows_
  std::vector<int> link_flows_;          // flows on each link
  std::vector<double> link_use_;         // their use of it
  std::vector<double> rate_, rest_, rising_;
};

}  // namespace sparsesim
