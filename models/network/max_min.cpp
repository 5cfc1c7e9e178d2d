#include "models/network/max_min.h"

#include <algorithm>
#include <queue>
#include <stdexcept>

namespace sparsesim {

MaxMin::MaxMin(SharingProblem problem) : problem_(std::move(problem)) {
  const std::size_t links = problem_.capacity.size();
  if (problem_.first.empty()) problem_.first.push_back(0);
  link_first_.assign(links + 1, 0);
  for (std::size_t f = 0; f < flows(); ++f)
    if (problem_.first[f] == problem_.first[f + 1]) throw std::invalid_argument("a flow crosses no link");
  for (const LinkUse& use : problem_.uses) {
    if (!(use.share > 0)) throw std::invalid_argument("a flow uses nothing of a link that it crosses");
    ++link_first_[static_cast<std::size_t>(use.link) + 1];
  }
  for (std::size_t l = 0; l < links; ++l) {
    if (!(problem_.capacity[l] > 0)) throw std::invalid_argument("a link has no capacity");
    link_first_[l + 1] += link_first_[l];
  }
  link_flows_.resize(problem_.uses.size());
  link_use_.resize(problem_.uses.size());
  std::vector<std::size_t> next(link_first_.begin(), link_first_.end() - 1);
  for (std::size_t f = 0; f < flows(); ++f) {
    for (std::size_t u = problem_.first[f]; u < problem_.first[f + 1]; ++u) {
      const std::size_t slot = next[static_cast<std::size_t>(problem_.uses[u].link)]++;
      link_flows_[slot] = static_cast<int>(f);
      link_use_[slot] = problem_.uses[u].share;
    }
  }
}

const std::vector<double>& MaxMin::solve(const std::vector<char>& active) {
  rate_.assign(flows(), -1.0);
  rest_ = problem_.capacity;
  rising_.assign(rest_.size(), 0.0);
  for (std::size_t f = 0; f < flows(); ++f) {
    if (!active[f]) {
      rate_[f] = 0;
      continue;
    }
    for (std::size_t u = problem_.first[f]; u < problem_.first[f + 1]; ++u)
      rising_[static_cast<std::size_t>(problem_.uses[u].link)] += problem_.uses[u].share;
  }
  // A level can only rise as flows are fixed, so an outdated entry is too low and is put back when it comes up.
  using Level = std::pair<double, int>;
  std::priority_queue<Level, std::vector<Level>, std::greater<>> levels;
  std::vector<int> rising_flows(rest_.size(), 0);
  const auto level = [&](std::size_t l) { return std::max(rest_[l], 0.0) / rising_[l]; };
  for (std::size_t l = 0; l < rest_.size(); ++l) {
    for (std::size_t i = link_first_[l]; i < link_first_[l + 1]; ++i)
      rising_flows[l] += rate_[static_cast<std::size_t>(link_flows_[i])] < 0;
    if (rising_flows[l] > 0) levels.emplace(level(l), static_cast<int>(l));
  }
  while (!levels.empty()) {
    const auto [old, link] = levels.top();
    levels.pop();
    const auto l = static_cast<std::size_t>(link);
    if (rising_flows[l] == 0) continue;
    const double now = level(l);
    if (!levels.empty() && now > levels.top().first && now > old) {
      levels.emplace(now, link);
      continue;
    }
    for (std::size_t i = link_first_[l]; i < link_first_[l + 1]; ++i) {
      const auto f = static_cast<std::size_t>(link_flows_[i]);
      if (rate_[f] >= 0) continue;
      rate_[f] = now;
      for (std::size_t u = problem_.first[f]; u < problem_.first[f + 1]; ++u) {
        const auto crossed = static_cast<std::size_t>(problem_.uses[u].link);
        rest_[crossed] -= problem_.uses[u].share * now;
        rising_[crossed] -= problem_.uses[u].share;
        --rising_flows[crossed];
      }
    }
  }
  return rate_;
}

}  // namespace sparsesim
