#include "models/network/symmetry.h"

#include <algorithm>
#include <bit>
#include <map>

namespace sparsesim {
namespace {

using Colours = std::vector<std::uint64_t>;

/// Mixes all bits (the finaliser of SplitMix64, Steele et al. 2014).
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

/// Numbers the distinct colours 0, 1, ... in order of first appearance.
std::vector<int> number_colours(const Colours& colours, std::vector<int>& example) {
  Colours sorted = colours;
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());  // long runs of one colour are common
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<int> number(sorted.size(), -1), result(colours.size());
  for (std::size_t i = 0; i < colours.size(); ++i) {
    int& n =
        number[static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), colours[i]) - sorted.begin())];
    if (n < 0) {
      n = static_cast<int>(example.size());
      example.push_back(static_cast<int>(i));
    }
    result[i] = n;
  }
  return result;
}

/// One round: flows take in the colours of their links (a sum: order does not count), then links those of their flows.
void refine(const SharingProblem& problem, Colours& flows, Colours& links) {
  Colours gathered(links.size(), 0);
  for (std::size_t f = 0; f < flows.size(); ++f) {
    std::uint64_t sum = 0;
    for (std::size_t u = problem.first[f]; u < problem.first[f + 1]; ++u) {
      const LinkUse& use = problem.uses[u];
      sum += mix(links[static_cast<std::size_t>(use.link)] ^ mix(bits(use.share)));
    }
    flows[f] = mix(flows[f] ^ mix(sum));
    for (std::size_t u = problem.first[f]; u < problem.first[f + 1]; ++u) {
      const LinkUse& use = problem.uses[u];
      gathered[static_cast<std::size_t>(use.link)] += mix(flows[f] ^ mix(bits(use.share)));
    }
  }
  for (std::size_t l = 0; l < links.size(); ++l) links[l] = mix(links[l] ^ mix(gathered[l]));
}

SharingProblem make_quotient(const SharingProblem& problem, const std::vector<int>& of_flow,
                             const std::vector<int>& of_link, const std::vector<int>& link_example,
                             std::size_t classes) {
  SharingProblem quotient;
  for (int link : link_example) quotient.capacity.push_back(problem.capacity[static_cast<std::size_t>(link)]);
  std::vector<std::map<int, double>> uses(classes);  // link class -> use of one of its links
  for (std::size_t f = 0; f < of_flow.size(); ++f) {
    for (std::size_t u = problem.first[f]; u < problem.first[f + 1]; ++u) {
      const LinkUse& use = problem.uses[u];
      const int c = of_link[static_cast<std::size_t>(use.link)];
      if (link_example[static_cast<std::size_t>(c)] == use.link)
        uses[static_cast<std::size_t>(of_flow[f])][c] += use.share;
    }
  }
  quotient.first.push_back(0);
  for (const auto& of_class : uses) {
    for (const auto& [link, share] : of_class) quotient.uses.push_back({link, share});
    quotient.first.push_back(quotient.uses.size());
  }
  return quotient;
}

}  // namespace

FlowClasses classify(const SharingProblem& problem, const std::vector<double>& weight) {
  Colours flows, links;
  for (double w : weight) flows.push_back(mix(bits(w)));
  for (double c : problem.capacity) links.push_back(mix(bits(c)));
  FlowClasses classes;
  std::vector<int> of_link, link_example;
  std::size_t before = 0;
  while (true) {
    refine(problem, flows, links);
    classes.example.clear();
    link_example.clear();
    classes.of_flow = number_colours(flows, classes.example);
    of_link = number_colours(links, link_example);
    const std::size_t now = classes.example.size() + link_example.size();
    if (now == before || classes.example.size() == flows.size()) break;
    before = now;
  }
  classes.members.assign(classes.example.size(), 0);
  for (int c : classes.of_flow) ++classes.members[static_cast<std::size_t>(c)];
  if (classes.example.size() == flows.size())  // nothing is alike: links must not be merged on half a refinement
    classes.quotient = problem;
  else
    classes.quotient = make_quotient(problem, classes.of_flow, of_link, link_example, classes.example.size());
  return classes;
}

}  // namespace sparsesim
