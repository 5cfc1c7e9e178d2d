#include "models/network/max_min.h"

#include <doctest/doctest.h>

#include "models/network/symmetry.h"

using namespace sparsesim;

namespace {

SharingProblem problem(std::vector<double> capacity, const std::vector<std::vector<LinkUse>>& flows) {
  SharingProblem p;
  p.capacity = std::move(capacity);
  p.first.push_back(0);
  for (const auto& uses : flows) {
    p.uses.insert(p.uses.end(), uses.begin(), uses.end());
    p.first.push_back(p.uses.size());
  }
  return p;
}

std::vector<double> solve(const SharingProblem& p) {
  MaxMin sharing(p);
  return sharing.solve(std::vector<char>(sharing.flows(), 1));
}

/// Feasible, and every flow crosses a full link on which nobody is faster: the definition of max-min fairness.
void check_max_min(const SharingProblem& p, const std::vector<double>& rate) {
  std::vector<double> load(p.capacity.size()), fastest(p.capacity.size());
  for (std::size_t f = 0; f < rate.size(); ++f) {
    for (std::size_t u = p.first[f]; u < p.first[f + 1]; ++u) {
      load[p.uses[u].link] += rate[f] * p.uses[u].share;
      fastest[p.uses[u].link] = std::max(fastest[p.uses[u].link], rate[f]);
    }
  }
  for (std::size_t l = 0; l < load.size(); ++l) CHECK(load[l] <= p.capacity[l] * (1 + 1e-9));
  for (std::size_t f = 0; f < rate.size(); ++f) {
    bool blocked = false;
    for (std::size_t u = p.first[f]; u < p.first[f + 1]; ++u) {
      const int l = p.uses[u].link;
      blocked |= load[l] >= p.capacity[l] * (1 - 1e-9) && rate[f] >= fastest[l] * (1 - 1e-9);
    }
    CHECK(blocked);
  }
}

}  // namespace

TEST_CASE("n flows on one link get 1/n each") {
  const auto rates = solve(problem({12.0}, {{{0, 1}}, {{0, 1}}, {{0, 1}}}));
  for (double rate : rates) CHECK(rate == doctest::Approx(4.0));
}

TEST_CASE("a long flow against short ones: it gets the smallest share, they get the rest") {
  // link 0 carries A and B (10), link 1 carries A and C (4): A = C = 4/2, B = 10 - 2
  const auto rates = solve(problem({10.0, 4.0}, {{{0, 1}, {1, 1}}, {{0, 1}}, {{1, 1}}}));
  CHECK(rates[0] == doctest::Approx(2.0));
  CHECK(rates[1] == doctest::Approx(8.0));
  CHECK(rates[2] == doctest::Approx(2.0));
}

TEST_CASE("a flow that sends half of itself over a link loads it by half its rate") {
  CHECK(solve(problem({3.0}, {{{0, 0.5}}}))[0] == doctest::Approx(6.0));
}

TEST_CASE("flows that ended take nothing") {
  MaxMin sharing(problem({12.0}, {{{0, 1}}, {{0, 1}}}));
  const auto& rates = sharing.solve({0, 1});
  CHECK(rates[0] == 0.0);
  CHECK(rates[1] == doctest::Approx(12.0));
}

TEST_CASE("random problems satisfy the definition of max-min fairness") {
  std::uint64_t state = 7;
  const auto draw = [&] { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 33; };
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const std::size_t links = 1 + draw() % 6, flows = 1 + draw() % 12;
    std::vector<double> capacity;
    for (std::size_t l = 0; l < links; ++l) capacity.push_back(1.0 + static_cast<double>(draw() % 9));
    std::vector<std::vector<LinkUse>> uses(flows);
    for (auto& of_flow : uses) {
      const std::size_t first = draw() % links, count = 1 + draw() % (links - first);
      for (std::size_t l = first; l < first + count; ++l) of_flow.push_back({static_cast<int>(l), 1.0});
    }
    const SharingProblem p = problem(capacity, uses);
    check_max_min(p, solve(p));
  }
}

TEST_CASE("a flow without links or a link without capacity is refused") {
  CHECK_THROWS_AS(MaxMin(problem({1.0}, {{}})), std::invalid_argument);
  CHECK_THROWS_AS(MaxMin(problem({0.0}, {{{0, 1}}})), std::invalid_argument);
}

TEST_CASE("equal flows fall into one class, and the quotient gives them the rates of the whole") {
  // Four flows pairwise on two equal links, one flow on both.
  const SharingProblem p = problem({6.0, 6.0}, {{{0, 1}}, {{1, 1}}, {{0, 1}}, {{1, 1}}, {{0, 1}, {1, 1}}});
  const FlowClasses classes = classify(p, {1, 1, 1, 1, 1});
  CHECK(classes.members == std::vector<std::size_t>{4, 1});
  const auto whole = solve(p), part = solve(classes.quotient);
  for (std::size_t f = 0; f < whole.size(); ++f) CHECK(whole[f] == doctest::Approx(part[classes.of_flow[f]]));
}

TEST_CASE("other bytes or another capacity make another class") {
  const SharingProblem p = problem({6.0, 6.0, 5.0}, {{{0, 1}}, {{1, 1}}, {{2, 1}}});
  CHECK(classify(p, {1, 1, 1}).members.size() == 2);
  CHECK(classify(p, {1, 2, 1}).members.size() == 3);
}
