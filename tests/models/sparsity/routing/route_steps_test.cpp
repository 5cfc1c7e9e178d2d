// Recorded routes of whole models: every token is served top_k times in every layer, whatever the step's size.

#include "models/sparsity/routing/route_steps.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "models/sparsity/routing/routing_trace.h"

namespace sparsesim {
namespace {

const RoutedLayers kRouted{{1, 3}, 4, 2};

RouteSteps steps_of(const std::string& text, bool csv = false) {
  RouteSteps steps(kRouted);
  config::Diagnostics diagnostics;
  (csv ? read_trace_csv : read_trace_jsonl)(text, "t", steps, diagnostics);
  diagnostics.throw_if_any();
  steps.finish();
  return steps;
}

std::string mistakes_of(const std::string& text, bool csv = false) {
  try {
    steps_of(text, csv);
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return "";
}

using Counts = std::vector<std::int64_t>;
constexpr const char* kTwoSteps =
    "{\"step\": 7, \"layer\": 3, \"tokens_per_expert\": [3, 2, 1, 0]}\n"
    "{\"step\": 7, \"layer\": 1, \"experts\": [[0, 1], [2, 3], [0, 3]]}\n"
    "{\"step\": 2, \"layer\": 1, \"experts\": [[0, 1]]}\n{\"step\": 2, \"layer\": 3, \"experts\": [[2, 3]]}\n";

TEST_CASE("the recorded tokens themselves have the recorded counts, in steps that ascend") {
  const RouteSteps steps = steps_of(kTwoSteps);
  CHECK(steps.steps() == 2);
  CHECK(steps.tokens(0) == 1);
  CHECK(steps.tokens(1) == 3);
  CHECK(steps.counts(0, 3, 1) == Counts{0, 0, 1, 1});
  CHECK(steps.counts(1, 1, 3) == Counts{2, 1, 1, 2});
  CHECK(steps.counts(1, 3, 3) == Counts{3, 2, 1, 0});
  CHECK(steps.counts(1, 3, 6) == Counts{6, 4, 2, 0});
}

TEST_CASE("any number of tokens is conserved, and none visits an expert twice") {
  const RouteSteps steps = steps_of(kTwoSteps);
  for (std::int64_t tokens = 1; tokens < 40; ++tokens)
    for (const std::int64_t layer : {1, 3}) {
      const Counts counts = steps.counts(1, layer, tokens);
      CHECK(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) == 2 * tokens);
      CHECK(*std::max_element(counts.begin(), counts.end()) <= tokens);
      CHECK(*std::min_element(counts.begin(), counts.end()) >= 0);
    }
}

TEST_CASE("a sample keeps the shares of experts") {
  std::string text;
  for (const int layer : {1, 3})
    text += "{\"layer\": " + std::to_string(layer) + ", \"tokens_per_expert\": [1000, 600, 300, 100]}\n";
  const RouteSteps steps = steps_of(text);
  const Counts counts = steps.counts(0, 1, 500);
  CHECK(counts[0] == 500);  // every token visits it
  CHECK(static_cast<double>(counts[1]) == doctest::Approx(300).epsilon(0.15));
  CHECK(static_cast<double>(counts[2]) == doctest::Approx(150).epsilon(0.25));
}

TEST_CASE("tokens and counts of one layer add up; CSV and arrays say the same") {
  const RouteSteps both = steps_of(
      "{\"layer\": 1, \"experts\": [[0, 1]]}\n{\"layer\": 1, \"tokens_per_expert\": [0, 2, 1, 1]}\n"
      "{\"layer\": 3, \"experts\": [[0, 1], [1, 2], [1, 3]]}\n");
  CHECK(both.counts(0, 1, 3) == Counts{1, 3, 1, 1});
  CHECK(both.counts(0, 3, 3) == Counts{1, 3, 1, 1});
  const RouteSteps csv = steps_of("step,layer,e0,e1\n0,1,0,1\n0,3,2,3\n1,1,1,2\n1,3,0,3\n", true);
  RouteSteps array(kRouted);
  config::Diagnostics diagnostics;
  read_trace_array({2, 2, 1, 2}, {0, 1, 2, 3, 1, 2, 0, 3}, "a", kRouted.layers, 2, array, diagnostics);
  CHECK(diagnostics.empty());
  array.finish();
  CHECK(array.steps() == 2);
  for (const std::int64_t step : {0, 1})
    for (const std::int64_t layer : {1, 3}) CHECK(array.counts(step, layer, 5) == csv.counts(step, layer, 5));
}

TEST_CASE("what cannot be is refused with its line") {
  const auto holds = [](const std::string& text, const char* part, bool csv = false) {
    CAPTURE(text);
    CHECK(mistakes_of(text, csv).find(part) != std::string::npos);
  };
  holds("{\"layer\": 0, \"experts\": [[0, 1]]}", "t:1:1: error: layer 0 of the model has no experts");
  holds("step,layer,e0,e1\n0,1,0,1\n0,9,0,1\n", "t:3:3: error: layer 9 of the model has no experts", true);
  holds("step,layer,e0,e1\n0,1,0,1\n0,3,0,4\n", "t:3:7: error: expert 4 of a layer with 4", true);
  holds("{\"experts\": [[0, 1]]}", "no layer here: 2 layers have experts");
  holds("{\"layer\": 1, \"experts\": [[0, 1]]}", "step 0: no routes of layer 3");
  holds("{\"layer\": 1, \"experts\": [[0, 1]]}\n{\"layer\": 3, \"experts\": [[0, 1], [1, 2]]}",
        "t:2:1: error: step 0: layer 3 has 2 tokens, layer 1 has 1");
  holds("{\"layer\": 1, \"experts\": [[0, 0]]}", "expert 0 twice");
  holds("{\"layer\": 1, \"experts\": [[0, 1, 2]]}", "more experts for a token than its top_k, 2");
  holds("{\"layer\": 1, \"experts\": [[0]]}", "1 experts for a token");
  holds("{\"layer\": 1, \"tokens_per_expert\": [3, 1, 0, 0]}", "an expert serves 3 of 2 tokens");
  holds("{\"layer\": 1, \"tokens_per_expert\": [3, 0, 0, 0]}", "3 choices are no whole tokens");
  holds("{\"layer\": 1, \"tokens_per_expert\": [-1, 0, 0, 0]}", "fewer than no tokens");
  holds("{\"layer\": 1, \"tokens_per_expert\": [4611686018427387904, 1]}", "more than 67108864 routes");
  holds("{\"layer\": 1, \"tokens_per_expert\": [0, 0, 0, 0]}", "no tokens");
  holds("", "a trace without tokens");
  RouteSteps array(kRouted);
  config::Diagnostics diagnostics;
  read_trace_array({1, 3, 1, 2}, {0, 1, 2, 3, 1, 2}, "a", kRouted.layers, 2, array, diagnostics);
  CHECK(diagnostics.mistakes().front().message.find("are [steps, 2, tokens, 2]") != std::string::npos);
}

}  // namespace
}  // namespace sparsesim
