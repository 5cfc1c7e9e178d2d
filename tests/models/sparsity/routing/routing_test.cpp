#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "models/sparsity/routing/routing_trace.h"

using namespace sparsesim;

namespace {

std::int64_t sum(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

}  // namespace

TEST_CASE("every routing deals tokens * top_k slots and no expert serves a token twice") {
  for (const char* text :
       {"balanced", "uniform", "power_law:1.01", "power_law:1.2", "power_law:1", "zipf:0.8", "zipf:3"})
    for (std::int64_t tokens : {1, 2, 3, 17, 1000})
      for (std::int64_t experts : {1, 2, 8, 60})
        for (std::int64_t top_k : {std::int64_t{1}, std::min<std::int64_t>(3, experts), experts})
          for (bool expected : {false, true}) {
            const auto counts = route(parse_routing(text), {tokens, experts, top_k}, {7, expected});
            CAPTURE(text);
            CAPTURE(tokens);
            CAPTURE(experts);
            CAPTURE(top_k);
            REQUIRE(sum(counts) == tokens * top_k);
            REQUIRE(*std::max_element(counts.begin(), counts.end()) <= tokens);
            REQUIRE(*std::min_element(counts.begin(), counts.end()) >= 0);
          }
}

TEST_CASE("balanced is equal within one; more skew loads the fullest expert more") {
  const RoutingSize size{1000, 48, 4};
  const auto even = route(parse_routing("balanced"), size, {});
  CHECK(*std::max_element(even.begin(), even.end()) - *std::min_element(even.begin(), even.end()) <= 1);
  std::int64_t before = 0;
  for (const char* text : {"zipf:0", "zipf:0.5", "zipf:1", "zipf:2"}) {
    const auto counts = route(parse_routing(text), size, {});
    const auto most = *std::max_element(counts.begin(), counts.end());
    CHECK(most > before);
    before = most;
  }
}

TEST_CASE("the same seed draws the same routing, another seed another") {
  const RoutingSize size{512, 64, 2};
  const Routing routing = parse_routing("power_law:1.2");
  CHECK(route(routing, size, {3, false}) == route(routing, size, {3, false}));
  CHECK(route(routing, size, {3, false}) != route(routing, size, {4, false}));
}

TEST_CASE("capacity: dispatched = combined + dropped") {
  const RoutingSize size{4, 4, 1};
  const Capacity capacity = apply_capacity({4, 0, 0, 0}, size, 1.5);
  CHECK(capacity.rows == 2);  // ceil(1.5 * 4 / 4)
  CHECK(capacity.dropped == 2);
  CHECK(sum(capacity.counts) + capacity.dropped == 4);
  CHECK(apply_capacity({4, 0, 0, 0}, size, 0).dropped == 0);
}

TEST_CASE("a trace counts its experts, and its mistakes are named by place") {
  const RoutingSize size{2, 4, 2};
  config::Diagnostics none;
  CHECK(parse_trace_csv("token,e0,e1\n0,1,3\n1, 3 ,0\n", "t.csv", size, {}, none) ==
        std::vector<std::int64_t>{1, 1, 0, 2});
  none.throw_if_any();
  const auto fails = [&](const std::string& text, const char* message) {
    config::Diagnostics diagnostics;
    parse_trace_csv(text, "t.csv", size, {}, diagnostics);
    CHECK_THROWS_WITH_AS(diagnostics.throw_if_any(), doctest::Contains(message), config::ConfigError);
  };
  fails("0,1,3\n1,3,4\n", ":2:5: error: expert 4 of a layer with 4");
  fails("0,1,1\n1,3,0\n", ":1:5: error: expert 1 twice");
  fails("0,1,x\n1,3,0\n", ":1:5: error: \"x\" is not a number");
  fails("0,1\n1,3,0\n", ":1:1: error: 1 experts for a token, top_k is 2");
  fails("0,1,2\n", ":1:1: error: the trace has 1 tokens, the layer 2");
  fails("0,1,2\n1,1,2\n2,1,2\n", ":3:1: error: the trace has 3 tokens");
  fails("", ":1:1: error: the trace has 0 tokens");
  fails("0,1,\n1,3,0\n", ":1:5: error: \"\" is not a number");
  CHECK_THROWS_AS(read_routing_trace("no_such_file.csv", size, {}, none), config::ConfigError);
}

TEST_CASE("every mistake of a trace is reported, each line once") {
  config::Diagnostics diagnostics;
  parse_trace_csv("0,9,9\n1,x,0\n2,0,1\n", "t.csv", {3, 4, 2}, {}, diagnostics);
  REQUIRE(diagnostics.mistakes().size() == 2);
  CHECK(diagnostics.mistakes()[0].position.line == 1);
  CHECK(diagnostics.mistakes()[1].position.line == 2);
  CHECK(diagnostics.mistakes()[1].excerpt == "1,x,0");
}

TEST_CASE("overflow goes to whoever has least, evenly") {
  // 8 tokens, top_k 2: zipf:100 gives one expert all 16 slots; it keeps 8, the other 8 are dealt to the three others.
  const auto counts = route(parse_routing("zipf:100"), {8, 4, 2}, {1, false});
  CHECK(*std::max_element(counts.begin(), counts.end()) == 8);
  CHECK(*std::min_element(counts.begin(), counts.end()) == 2);  // 8 / 3, rounded down
  CHECK(sum(counts) == 16);
}

TEST_CASE("a routing is written as documented, or refused with the forms there are") {
  CHECK(parse_routing("power_law:1.2").exponent == 1.2);
  CHECK(parse_routing("counts:[3, 1,0]").counts == std::vector<std::int64_t>{3, 1, 0});
  for (const char* text : {"", "balance", "power_law", "power_law:x", "zipf:-1", "counts:[1,,2]", "trace:"})
    CHECK_THROWS_AS(parse_routing(text), RoutingError);
  const RoutingSize size{4, 3, 1};
  CHECK_THROWS_AS(route(parse_routing("counts:[3,1]"), size, {}), RoutingError);
  CHECK_THROWS_AS(route(parse_routing("counts:[3,1,1]"), size, {}), RoutingError);
}
