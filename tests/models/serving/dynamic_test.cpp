// Serving a model in which tokens leave early: equal to the static model where nobody leaves, tails where they do.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "models/serving/serve.h"
#include "models/sparsity/routing/route_steps.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

Model sixteen_layers() {
  Model model;
  model.shape.layers = 16;
  model.shape.hidden = 2048;
  model.shape.intermediate = 5632;
  model.shape.heads = model.shape.kv_heads = 16;
  model.shape.head_dim = 128;
  model.shape.vocabulary = model.shape.embeddings = 8000;
  model.shape.dtype = "fp16";
  return model;
}

Model leaving(std::vector<std::int64_t> layers, std::vector<double> shares) {
  Model model = sixteen_layers();
  model.dynamics.exit = ModelExit{std::move(layers), std::move(shares), 0};
  return model;
}

std::vector<Request> requests_of(std::int64_t count, std::int64_t input = 512) {
  return std::vector<Request>(static_cast<std::size_t>(count), Request{{}, input, 128});
}

std::vector<StepSequence> decoding(std::int64_t count, std::int64_t keys) {
  std::vector<StepSequence> step;
  for (std::int64_t i = 0; i < count; ++i) step.push_back({i, 1, keys, true, true});
  return step;
}

double seconds(ServedCost& cost, const std::vector<StepSequence>& step) {
  const StepTime time = cost.step(step);
  return (time.stage + time.head).seconds();
}

struct Dynamic {
  explicit Dynamic(const Model& model, std::uint64_t seed = 1, std::int64_t input = 512)
      : times(model, a100(), seed, 0), cost(times, requests_of(256, input), {}, true) {}
  DynamicTimes times;
  DynamicStepCost cost;
};

TEST_CASE("where nobody leaves, a step costs what it costs without, and what is asked at the decisions") {
  PassTimes whole(sixteen_layers(), a100(), {});
  ModelStepCost plain(whole, ServedSide::sparse, {}, true);
  Dynamic none(leaving({8}, {0}));
  for (const std::int64_t batch : {1, 8, 64}) {
    const auto step = decoding(batch, 600);
    const LayerRange late{8, 15};
    const double asked =
        none.times.sum_of(decision_ops(none.times.model(), late, padded_to_graph(batch), padded_to_graph(batch)), 0) *
        1e-12;
    CHECK(seconds(none.cost, step) == doctest::Approx(seconds(plain, step) + asked).epsilon(1e-9));
  }
  // A prompt passes all layers, whatever tokens do later.
  Dynamic half(leaving({8}, {0.5}));
  const std::vector<StepSequence> prompt{{0, 256, 256, true, false}};
  CHECK(seconds(half.cost, prompt) >= seconds(plain, prompt));
  CHECK(seconds(half.cost, prompt) < 1.02 * seconds(plain, prompt));
}

TEST_CASE("the same sequences in any order cost the same, and who shares the step does not change who leaves") {
  Dynamic half(leaving({4, 8}, {0.3, 0.3}));
  auto step = decoding(24, 700);
  const double forward = seconds(half.cost, step);
  std::reverse(step.begin(), step.end());
  CHECK(seconds(half.cost, step) == forward);
  for (std::int64_t request = 0; request < 24; ++request)
    CHECK(half.times.draws().depth(request, 700) == TokenDraws(leaving({4, 8}, {0.3, 0.3}), 1).depth(request, 700));
}

TEST_CASE("in small batches weights are read as long as one token is left; large ones vary less") {
  Dynamic half(leaving({8}, {0.5}));
  PassTimes whole(sixteen_layers(), a100(), {});
  ModelStepCost plain(whole, ServedSide::sparse, {}, true);
  struct Law {
    double mean = 0, deviation = 0;
  };
  const auto law = [&](std::int64_t batch) {
    double sum = 0, squares = 0;
    constexpr int kSteps = 200;
    for (int i = 0; i < kSteps; ++i) {
      const auto step = decoding(batch, 513 + i);
      const double share = seconds(half.cost, step) / seconds(plain, step);
      sum += share / kSteps;
      squares += share * share / kSteps;
    }
    return Law{sum, std::sqrt(std::max(0.0, squares - sum * sum))};
  };
  const Law one = law(1), eight = law(8), many = law(128);
  // One token: either all layers, or half of them and what is owed.
  CHECK(one.mean > 0.6);
  CHECK(one.mean < 0.95);
  CHECK(eight.mean > 0.95);  // all have left in one step of 256
  CHECK(one.deviation > 3 * many.deviation);
  CHECK(many.mean < eight.mean);  // attention is per sequence
}

TEST_CASE("forgotten tokens of a prompt are computed in early layers alone, and not seen in late ones") {
  Model model = sixteen_layers();
  model.dynamics.tokens = ModelPruning{{4}, {0.25}, 0};
  Dynamic pruned(model, 1, 2048);
  PassTimes whole(sixteen_layers(), a100(), {});
  ModelStepCost plain(whole, ServedSide::sparse, {}, true);
  const std::vector<StepSequence> prompt{{0, 2048, 2048, true, false}};
  const double share = seconds(pruned.cost, prompt) / seconds(plain, prompt);
  CHECK(share > 0.25 + 0.75 * 0.25);  // four of sixteen layers, and a quarter of the rest
  CHECK(share < 0.55);
  const auto late = decoding(64, 2100);
  CHECK(seconds(pruned.cost, late) < 0.75 * seconds(plain, late));
}

TEST_CASE("the tail of a step grows with the spread of prompts") {
  const auto tail = [](double spread) {
    Model model = sixteen_layers();
    model.dynamics.tokens = ModelPruning{{4}, {0.5}, spread};
    Dynamic pruned(model, 1, 1024);
    std::vector<double> times;
    for (std::int64_t request = 0; request < 200; ++request)
      times.push_back(seconds(pruned.cost, {{request, 1024, 1024, true, false}}));
    std::sort(times.begin(), times.end());
    return times[197] / times[99];
  };
  const double none = tail(0), some = tail(0.1), more = tail(0.4);
  CHECK(none == doctest::Approx(1));
  CHECK(some > 1.02);
  CHECK(more > some);
}

TEST_CASE("few channels are needed by one token, nearly all by many, all by a prompt") {
  Model model = sixteen_layers();
  model.dynamics.activation = ModelActivity{{"mlp.down", "mlp.gate_up"}, 0.8, 0, 0};
  Dynamic few(model);
  PassTimes whole(sixteen_layers(), a100(), {});
  ModelStepCost plain(whole, ServedSide::sparse, {}, true);
  CHECK(seconds(few.cost, decoding(1, 600)) < 0.8 * seconds(plain, decoding(1, 600)));
  CHECK(seconds(few.cost, decoding(64, 600)) == doctest::Approx(seconds(plain, decoding(64, 600))));
  const std::vector<StepSequence> prompt{{0, 256, 256, true, false}};
  CHECK(seconds(few.cost, prompt) == doctest::Approx(seconds(plain, prompt)));
}

TEST_CASE("draws of the routes make steps of one size differ") {
  Model model = sixteen_layers();
  model.shape.experts = ModelExperts{};
  model.shape.experts->count = 32;
  model.shape.experts->top_k = 2;
  model.shape.experts->intermediate = 704;
  model.shape.experts->routing = "zipf:1.0";
  model.dynamics.routing_draws = 4;
  Dynamic routed(model);
  std::set<double> heads, stages;
  for (std::int64_t first = 0; first < 32; ++first) {
    auto step = decoding(8, 600);
    for (StepSequence& sequence : step) sequence.request += first;  // others, of equal lengths
    const StepTime time = routed.cost.step(step);
    heads.insert(time.head.seconds());
    stages.insert(time.stage.seconds());
  }
  CHECK(heads.size() == 1);  // routes are no part of the head
  CHECK(stages.size() > 1);
  CHECK(stages.size() <= 4);
}

/// 16 experts over 8 devices; `counts` of every step's tokens in all layers, one step for each.
Model recorded(const std::vector<std::vector<std::int64_t>>& counts) {
  Model model = sixteen_layers();
  model.shape.experts = ModelExperts{};
  model.shape.experts->count = 16;
  model.shape.experts->intermediate = 2048;
  model.parallel.tensor = model.parallel.expert = 8;
  RoutedLayers routed{{}, 16, 1};
  for (std::int64_t layer = 0; layer < 16; ++layer) routed.layers.push_back(layer);
  auto steps = std::make_shared<RouteSteps>(routed);
  for (std::size_t step = 0; step < counts.size(); ++step)
    for (std::int64_t layer = 0; layer < 16; ++layer) {
      steps->enter(layer, static_cast<std::int64_t>(step));
      for (std::int64_t expert = 0; expert < 16; ++expert)
        steps->add(expert, counts[step][static_cast<std::size_t>(expert)]);
    }
  REQUIRE(steps->trace_problem() == "");
  steps->finish();
  model.dynamics.routes = steps;
  return model;
}

TEST_CASE("recorded routes: balanced ones cost what balanced routes cost, one expert for all is the slowest") {
  const std::vector<std::int64_t> balanced(16, 16);
  std::vector<std::int64_t> skewed(16, 8), one(16, 0);
  skewed[3] = 16 * 16 - 15 * 8;
  one[5] = 16 * 16;
  const Substrate& node = machine("h100-sxm5-80gb-x8");
  const auto times = [&](const Model& model, const std::vector<StepSequence>& step, int steps) {
    DynamicTimes parts(model, node, 1, 0);
    DynamicStepCost cost(parts, requests_of(256), {}, true);
    std::vector<double> found;
    for (int i = 0; i < steps; ++i) found.push_back(seconds(cost, step));
    return found;
  };
  const Model model = recorded({balanced, skewed, one});
  Model plain = model;
  plain.dynamics = {};
  const std::vector<StepSequence> prompt{{0, 4096, 4096, true, false}};
  PassTimes whole(plain, node, {});
  ModelStepCost known(whole, ServedSide::sparse, {}, true);
  const auto found = times(model, prompt, 6);
  CHECK(found[0] == doctest::Approx(seconds(known, prompt)).epsilon(1e-9));
  CHECK(found[1] > 1.05 * found[0]);
  CHECK(found[2] > 1.05 * found[1]);
  for (std::size_t i = 0; i < 3; ++i) CHECK(found[3 + i] == found[i]);  // in turns
}

TEST_CASE("served, early exit moves capacity and latencies; the dense twin is the model that nobody leaves") {
  ServingSpec spec;
  spec.rate = 20;
  spec.requests = 150;
  spec.input = TokenLaw::constant(1500);
  spec.output = TokenLaw::constant(64);
  const auto result = serve_model(leaving({4, 8}, {0.4, 0.4}), a100(), spec, {}, {.interval = false}, {});
  const auto plain = serve_model(sixteen_layers(), a100(), spec, {}, {.interval = false}, {});
  REQUIRE(result);
  CHECK(result->has_recipe);
  const auto& [dense, sparse] = result->points.front().sides;
  CHECK(dense.summary.end_to_end.p99 == plain->points.front().sides[0].summary.end_to_end.p99);
  CHECK(sparse.summary.per_token.p50 < dense.summary.per_token.p50);
  CHECK(sparse.requests.size() == 150);
  CHECK(result->sides[1].memory.blocks == result->sides[0].memory.blocks);
  const auto again = serve_model(leaving({4, 8}, {0.4, 0.4}), a100(), spec, {}, {.threads = 1, .interval = false}, {});
  CHECK(again->points.front().sides[1].summary.end_to_end.p99 == sparse.summary.end_to_end.p99);
}

}  // namespace
}  // namespace sparsesim
