#include <doctest/doctest.h>

#include <numeric>

#include "models/evaluate/workload.h"
#include "models/serving/batch_serve.h"
#include "tests/models/serving/fake_cost.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

BatchSettings batches_of(std::int64_t most, Time wait, int instances = 1) {
  BatchSettings settings;
  settings.max_batch = most;
  settings.max_wait = wait;
  settings.instances = instances;
  return settings;
}

const BatchTime kMillisecond = [](std::int64_t) { return Time::from_us(1000); };

std::vector<Request> random_arrivals(double rate, std::int64_t count, std::uint64_t seed = 1) {
  ServingSpec spec;
  spec.rate = rate;
  spec.requests = count;
  return make_requests(spec, seed);
}

}  // namespace

TEST_CASE("a batch leaves when it is full, or when its oldest request has waited") {
  const std::vector<Request> requests = {
      {Time::from_us(0)}, {Time::from_us(10)}, {Time::from_us(20)}, {Time::from_us(30)}, {Time::from_us(5000)}};
  const ServiceRun run = *simulate_batches(requests, batches_of(4, Time::from_us(100)), kMillisecond);
  for (int i = 0; i < 4; ++i) CHECK(run.requests[i].start == Time::from_us(30));
  CHECK(run.requests[4].start == Time::from_us(5100));
  CHECK(run.end == Time::from_us(6100));
  CHECK(run.batches[4] == 1);
  CHECK(run.batches[1] == 1);
}

TEST_CASE("what comes while the instance works waits for it, another instance takes it at once") {
  const std::vector<Request> requests = {{Time::from_us(0)}, {Time::from_us(100)}, {Time::from_us(200)}};
  const ServiceRun one = *simulate_batches(requests, batches_of(8, {}), kMillisecond);
  CHECK(one.requests[1].start == Time::from_us(1000));
  CHECK(one.requests[2].start == Time::from_us(1000));
  const ServiceRun two = *simulate_batches(requests, batches_of(8, {}, 2), kMillisecond);
  CHECK(two.requests[1].start == Time::from_us(100));
  CHECK(two.requests[2].start == Time::from_us(1000));
}

TEST_CASE("M/D/c: batches of one wait as Erlang's and Pollaczek's formulas say") {
  constexpr double kRho = 0.7, kService = 1e-3;
  double wait = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    wait += mean_wait_seconds(
                *simulate_batches(random_arrivals(kRho / kService, 40000, seed), batches_of(1, {}), kMillisecond)) /
            4;
  CHECK(wait == doctest::Approx(kRho / (2 * (1 - kRho)) * kService).epsilon(0.05));
  const ServiceRun two =
      *simulate_batches(random_arrivals(2 * kRho / kService, 40000), batches_of(1, {}, 2), kMillisecond);
  CHECK(mean_wait_seconds(two) < 0.6 * wait);  // one queue for two is better than two queues
  CHECK(two.busy[0] / two.duration() == doctest::Approx(kRho).epsilon(0.05));
}

TEST_CASE("saturated, the batches are full and the capacity is met") {
  const std::vector<Request> waiting(6400, Request{});
  const ServiceRun run = *simulate_batches(waiting, batches_of(64, Time::from_us(100)), kMillisecond);
  CHECK(run.steps == 100);
  CHECK(run.end == Time::from_us(100'000));
  BatchSettings closed = batches_of(64, Time::from_us(100));
  closed.concurrency = 10;
  const ServiceRun users = *simulate_batches(std::vector<Request>(1000), closed, kMillisecond);
  CHECK(users.mean_in_system == doctest::Approx(10).epsilon(0.01));
}

TEST_CASE("a workload's batches: the number goes where the section says, and results are those of run") {
  config::Diagnostics diagnostics;
  const auto tree = [&](const char* queries) {
    return config::load_text(std::string("name: s\nops:\n  - {name: scan, op: ivf_scan, queries: ") + queries +
                                 ", vectors: 1048576, dim: 128, lists: 1024, probes: 16}\n",
                             "s.yaml", diagnostics);
  };
  const Substrate& a100_80 = a100();
  const config::Node one = tree("1");
  BatchTimes times(one, a100_80, {"ops.scan.queries"}, 1);
  RunOptions options;
  options.explain = options.interval = false;
  for (const char* queries : {"1", "7", "64"}) {
    const RunResult result = run(read_workload(tree(queries)), a100_80, options);
    CHECK(times.of(std::stoi(queries)).dense == result.dense);
    CHECK(times.of(std::stoi(queries)).sparse == result.sparse);
  }
  BatchTimes eight(one, a100_80, {"ops.scan.queries * 8"}, 1);
  CHECK(eight.of(8).sparse == times.of(64).sparse);
  for (const char* wrong : {"ops.scna.queries", "ops.scan.queries *", "ops.scan.queries * x", "", "ops..x", "name.x"})
    CHECK_THROWS_AS(BatchTimes(one, a100_80, {wrong}, 1), config::ConfigError);
}

TEST_CASE("an encoder's batches go to its pass; above the capacity it is overloaded") {
  const SearchPath workloads{{SPARSESIM_SOURCE_DIR "/workloads"}};
  const config::Node tree = load_workload_tree("bert-large", workloads);
  config::Diagnostics diagnostics;
  config::MapReader section(config::load_text("{requests: 200, max_batch: 8}", "s", diagnostics), diagnostics);
  const ServingSpec spec = read_serving(section, Scheduling::encoder_batch);
  CHECK(spec.batch_paths == std::vector<std::string>{"pass.batch"});
  const auto result = serve_batches(tree, machine("h100-sxm5-80gb"), spec, {20, 1e6}, {}, {});
  CHECK(result->one.dense < result->full.dense);
  CHECK(result->full.dense < result->one.dense * 8);
  CHECK_FALSE(result->points[0].overloaded[0]);
  CHECK(result->points[0].sides[0].end_to_end.p50 >= result->one.dense.us() * 1e-3);
  CHECK(result->points[1].overloaded[0]);
  CHECK(format_table(*result, {}).find("overloaded: capacity") != std::string::npos);
}
