#include "models/serving/serve.h"

#include <doctest/doctest.h>

#include "models/evaluate/workload.h"
#include "models/serving/serve_report.h"
#include "tests/models/serving/fake_cost.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

const SearchPath kShippedWorkloads{{SPARSESIM_SOURCE_DIR "/workloads"}};

Model served_model(const char* workload) { return load_workload(workload, kShippedWorkloads).model->model; }

ServeResult serve_shipped(const Model& model, const ServingSpec& spec, const std::vector<double>& rates) {
  return *serve_model(model, machine("h100-sxm5-80gb-x8"), spec, rates, {.interval = false}, {});
}

ServingSpec small_load() {
  ServingSpec spec;
  spec.requests = 60;
  spec.input = TokenLaw::constant(256);
  spec.output = TokenLaw::constant(16);
  return spec;
}

}  // namespace

TEST_CASE("percentiles are nearest ranks") {
  std::vector<double> sample;
  for (int i = 100; i >= 1; --i) sample.push_back(i);
  const Percentiles p = percentiles_of(sample);
  CHECK(p.mean == 50.5);
  CHECK(p.p50 == 50);
  CHECK(p.p95 == 95);
  CHECK(p.p99 == 99);
  CHECK(percentiles_of({7}).p99 == 7);
}

TEST_CASE("the summary of a run that can be computed by hand") {
  ServiceSettings settings;
  settings.limits = plenty();
  FakeCost cost(Time::from_us(1000));
  const std::vector<Request> requests = {{{}, 10, 5}, {Time::from_us(500), 10, 1}};
  const ServiceSummary s = summarise(*simulate_service(requests, settings, cost));
  CHECK(s.first_token.p50 == doctest::Approx(1.0));
  CHECK(s.first_token.p99 == doctest::Approx(1.5));  // waits half a step
  CHECK(s.wait.p99 == doctest::Approx(0.5));
  CHECK(s.per_token.p50 == doctest::Approx(1.0));  // of the first alone
  CHECK(s.gap.p99 == doctest::Approx(1.0));
  CHECK(s.end_to_end.p99 == doctest::Approx(5.0));
  CHECK(s.tokens_per_second == doctest::Approx(26 / 0.005));
  CHECK(s.output_per_second == doctest::Approx(6 / 0.005));
  CHECK(s.mean_batch == doctest::Approx(6.0 / 5));
  CHECK(s.busy == doctest::Approx(1));
}

TEST_CASE("saturated rate: that of steps of equal time, whatever the sizes") {
  ServiceSettings settings;
  settings.limits = plenty();
  settings.limits.max_sequences = 10;
  FakeCost cost(Time::from_us(1000));
  // Ten at a time, 20 steps each: 500 requests a second.
  const std::vector<Request> waiting(600, Request{{}, 10, 20});
  CHECK(saturated_rate(*simulate_service(waiting, settings, cost)) == doctest::Approx(500).epsilon(0.03));
}

TEST_CASE("saturation decides: below the capacity the queue is stable, above it grows with the run") {
  ServiceSettings settings;
  settings.limits = plenty();
  settings.limits.max_sequences = 8;
  const auto mean_wait = [&](double rate, std::int64_t count) {
    ServingSpec spec;
    spec.rate = rate;
    spec.requests = count;
    spec.input = TokenLaw::constant(50);
    spec.output = TokenLaw::constant(20);
    FakeCost cost(small_model);
    return mean_wait_seconds(*simulate_service(make_requests(spec, 1), settings, cost));
  };
  FakeCost cost(small_model);
  const std::vector<Request> waiting(800, Request{{}, 50, 20});
  const double capacity = saturated_rate(*simulate_service(waiting, settings, cost));
  CHECK(mean_wait(1.2 * capacity, 8000) > 1.8 * mean_wait(1.2 * capacity, 4000));
  CHECK(mean_wait(0.8 * capacity, 8000) < 1.3 * mean_wait(0.8 * capacity, 4000));
}

TEST_CASE("memory: a recipe leaves more blocks; what does not fit says how much is missing") {
  const Substrate& h100 = machine("h100-sxm5-80gb-x8");
  ServingSpec spec;
  fill_batch_defaults(spec, h100);
  CHECK(spec.max_batched_tokens == 8192);
  CHECK(spec.max_sequences == 1024);
  Model model = served_model("llama-2-7b-2to4");
  const MemoryPlan sparse = plan_memory(model, spec, h100), dense = plan_memory(unpruned(model), spec, h100);
  CHECK(sparse.weights < dense.weights);
  CHECK(sparse.metadata > 0);
  CHECK(sparse.blocks > dense.blocks);
  CHECK(dense.kv_bytes(dense.blocks) <= dense.left());
  CHECK(dense.kv_bytes(dense.blocks + 1) > dense.left());
  CHECK(dense.block_bytes == 16 * 2 * 32 * 4096 * 2);  // tokens, keys and values, layers, hidden, bytes
  CHECK(misfit(dense, dense.blocks).empty());
  CHECK(misfit(dense, dense.blocks + 1).find("are missing") != std::string::npos);
  Model large = served_model("llama-2-70b");
  large.parallel.tensor = 1;
  CHECK_THROWS_AS(serve_model(large, h100, small_load(), {}, {}, {}), config::ConfigError);
  large.parallel.tensor = 16;
  CHECK_THROWS_AS(serve_model(large, h100, small_load(), {}, {}, {}), config::ConfigError);
}

TEST_CASE("a model that fits only with its recipe is served on that side") {
  Model model = served_model("llama-2-70b");
  model.parallel.tensor = 2;
  RecipeRule rule;
  rule.modules = {"mlp.gate_up", "mlp.down"};
  rule.last = model.shape.layers - 1;
  rule.pattern = "2:4";
  model.recipe = {rule};
  ServingSpec spec = small_load();
  spec.memory_share = 0.8;
  const ServeResult result = serve_shipped(model, spec, {0.5});
  CHECK_FALSE(result.sides[0].misfit.empty());
  CHECK(result.sides[1].misfit.empty());
  CHECK(result.points[0].sides[1].summary.end_to_end.p50 > 0);
  CHECK(format_table(result, {}).find("dense: does not fit") != std::string::npos);
}

TEST_CASE("without a recipe dense and sparse are the same; a rate at the capacity or above is overloaded") {
  const ServeResult result = serve_shipped(served_model("llama-2-7b"), small_load(), {1, 20, 1e5});
  for (const RatePoint& point : result.points) {
    CHECK(point.sides[0].overloaded == (point.rate > 1e4));
    CHECK(point.sides[0].summary.end_to_end.mean == point.sides[1].summary.end_to_end.mean);
  }
  CHECK(result.points[0].sides[0].summary.end_to_end.mean < result.points[1].sides[0].summary.end_to_end.mean);
  CHECK(result.sides[0].capacity == result.sides[1].capacity);
  CHECK(format_table(result, {}).find("overloaded") != std::string::npos);
}

TEST_CASE("a recipe: less time per token, more capacity, and what Amdahl says of it") {
  const ServeResult result = serve_shipped(served_model("llama-2-7b-2to4"), small_load(), {5});
  const LoadResult &dense = result.points[0].sides[0], &sparse = result.points[0].sides[1];
  CHECK(sparse.summary.per_token.p50 < dense.summary.per_token.p50);
  CHECK(result.sides[1].capacity > result.sides[0].capacity);
  const ServedCoverage c = coverage_of(dense.totals);
  CHECK(c.coverage > 0);
  CHECK(c.coverage < 1);
  CHECK(c.kernel_speedup > 1);
  CHECK(c.amdahl == doctest::Approx(1 / (1 - c.coverage + c.coverage / c.kernel_speedup)));
  // On the dense run's own steps Amdahl's law is the ratio of the times.
  const PartTime& time = dense.totals.time;
  CHECK(c.amdahl == doctest::Approx((time.dense + dense.totals.host) / (time.sparse + dense.totals.host)));
}

TEST_CASE("replicas, pipelines and experts over devices carry the load they are given") {
  Model model = served_model("llama-2-7b");
  const double one = serve_shipped(model, small_load(), {1}).sides[0].capacity;
  model.parallel.data = 4;
  CHECK(serve_shipped(model, small_load(), {1}).sides[0].capacity == doctest::Approx(4 * one).epsilon(0.1));
  model.parallel.data = 1;
  model.parallel.pipeline = 4;
  const ServeResult piped = serve_shipped(model, small_load(), {1});
  CHECK(piped.sides[0].capacity > 2 * one);
  Model experts = served_model("mixtral-8x7b");
  experts.parallel.tensor = 1;
  experts.parallel.expert = 8;
  CHECK(serve_shipped(experts, small_load(), {1}).sides[0].memory.groups == 8);
}
