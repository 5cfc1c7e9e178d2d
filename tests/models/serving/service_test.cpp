#include "models/serving/service.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "models/serving/serving_spec.h"
#include "tests/models/serving/fake_cost.h"

using namespace sparsesim;

namespace {

std::vector<Request> poisson(double rate, std::int64_t count, std::int64_t input = 100, std::int64_t output = 20,
                             std::uint64_t seed = 1) {
  ServingSpec spec;
  spec.rate = rate;
  spec.requests = count;
  spec.input = TokenLaw::constant(input);
  spec.output = TokenLaw::constant(output);
  return make_requests(spec, seed);
}

ServiceRun serve(const std::vector<Request>& requests, const ServiceSettings& settings, StepCost& cost) {
  return *simulate_service(requests, settings, cost);
}

ServiceRun serve_small(const std::vector<Request>& requests, const ServiceSettings& settings) {
  FakeCost cost(small_model);
  return serve(requests, settings, cost);
}

ServiceSettings with_plenty() {
  ServiceSettings settings;
  settings.limits = plenty();
  return settings;
}

}  // namespace

TEST_CASE("one request alone: a step for the prompt, one for each further token") {
  FakeCost cost(Time::from_us(10));
  const ServiceRun run = serve({{Time::from_us(5), 100, 4}}, with_plenty(), cost);
  CHECK(run.requests[0].start == Time::from_us(5));
  CHECK(run.requests[0].first_token == Time::from_us(15));
  CHECK(run.requests[0].end == Time::from_us(45));
  CHECK(run.steps == 4);
  CHECK(run.tokens == 103);
  REQUIRE(run.gaps.size() == 1);
  CHECK(run.gaps[0].gap == Time::from_us(10));
  CHECK(run.gaps[0].count == 3);
  CHECK(run.mean_in_system == doctest::Approx(1));
}

TEST_CASE("M/D/1: Poisson arrivals, one at a time, equal steps wait rho / (2 (1 - rho)) steps in the mean") {
  for (const double rho : {0.3, 0.6, 0.8}) {
    CAPTURE(rho);
    ServiceSettings settings = with_plenty();
    settings.limits.max_sequences = 1;
    const Time step = Time::from_us(1000);
    std::vector<double> means;  // of independent runs: their spread is the sampling error
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      FakeCost cost(step);
      means.push_back(mean_wait_seconds(serve(poisson(rho / step.seconds(), 20000, 100, 1, seed), settings, cost)));
    }
    const double mean = std::accumulate(means.begin(), means.end(), 0.0) / 8;
    double square = 0;
    for (const double m : means) square += (m - mean) * (m - mean);
    const double error = std::sqrt(square / 7 / 8);
    const double expected = rho / (2 * (1 - rho)) * step.seconds();
    CHECK(error < 0.05 * expected);
    CHECK(std::abs(mean - expected) < 4 * error);
  }
}

TEST_CASE("utilisation is arrivals per second times the time of service") {
  ServiceSettings settings = with_plenty();
  settings.limits.max_sequences = 1;
  FakeCost cost(Time::from_us(1000));
  const ServiceRun run = serve(poisson(500, 20000, 100, 1), settings, cost);
  const double rate = 20000 / run.duration().seconds();
  CHECK(run.busy[0] / run.duration() == doctest::Approx(rate * 1e-3).epsilon(1e-9));
  CHECK(run.busy[0] / run.duration() == doctest::Approx(0.5).epsilon(0.03));
}

TEST_CASE("Little's law: the mean number in the system is the rate times the mean time") {
  const ServiceRun run = serve_small(poisson(20, 2000), with_plenty());
  const double rate = 2000 / run.duration().seconds();
  CHECK(run.mean_in_system == doctest::Approx(rate * mean_latency_seconds(run)).epsilon(1e-9));
}

TEST_CASE("latency grows with the rate") {
  double before = 0;
  for (const double rate : {1.0, 10.0, 20.0, 30.0, 40.0}) {
    const double latency = mean_latency_seconds(serve_small(poisson(rate, 3000), with_plenty()));
    CHECK(latency > before);
    before = latency;
  }
}

TEST_CASE("tokens: what is computed is prompts and kept answers, and what preemption repeats") {
  ServiceSettings settings = with_plenty();
  settings.limits.blocks = 60;  // of 16 tokens: 8 sequences of 119 at the end
  const auto requests = poisson(2000, 300);
  const ServiceRun run = serve_small(requests, settings);
  std::int64_t kept = 0;
  for (const Request& request : requests) kept += request.kept();
  CHECK(run.preemptions > 0);
  CHECK(run.recomputed_tokens > 0);
  CHECK(run.tokens == kept + run.recomputed_tokens);
  CHECK(run.blocks_peak <= 60);
  std::int64_t preemptions = 0;
  for (const ServedRequest& request : run.requests) preemptions += request.preemptions;
  CHECK(preemptions == run.preemptions);
}

TEST_CASE("without preemption nothing is computed twice, and steps hold no more than the limits") {
  ServiceSettings settings = with_plenty();
  settings.limits.max_batched_tokens = 256;
  settings.limits.max_sequences = 8;
  const auto requests = poisson(1e5, 200, 700, 10);
  std::int64_t most_tokens = 0;
  FakeCost cost([&](std::span<const StepSequence> step) {
    std::int64_t tokens = 0;
    for (const StepSequence& s : step) tokens += s.queries;
    most_tokens = std::max(most_tokens, tokens);
    return small_model(step);
  });
  const ServiceRun run = serve(requests, settings, cost);
  CHECK(run.preemptions == 0);
  CHECK(run.tokens == 200 * 709);
  CHECK(most_tokens == 256);
  CHECK(std::accumulate(run.batches.begin(), run.batches.end(), std::int64_t{0}) == run.steps);
  CHECK(run.batches.size() == 9);
}

TEST_CASE("a prompt that may not be spread runs whole, spread it takes its share of each step") {
  ServiceSettings settings = with_plenty();
  settings.limits.max_batched_tokens = 100;
  const std::vector<Request> requests = {{{}, 60, 4}, {{}, 60, 1}};
  FakeCost spread(Time::from_us(10)), whole(Time::from_us(10));
  CHECK(serve(requests, settings, spread).requests[1].end == Time::from_us(20));  // 40 tokens, then 20
  settings.limits.chunked_prefill = false;
  const ServiceRun run = serve(requests, settings, whole);
  CHECK(run.requests[1].start == Time::from_us(10));
  CHECK(run.requests[1].end == Time::from_us(20));
}

TEST_CASE("a prompt is begun when there is room for all of it, or with `chunk` for its first part and then in vain") {
  ServiceSettings settings = with_plenty();
  settings.limits.max_batched_tokens = 64;
  settings.limits.blocks = 100;  // of 16 tokens: two prompts of 640 and their answers, and half of a third
  const std::vector<Request> requests(6, Request{{}, 640, 100});
  const ServiceRun whole = serve_small(requests, settings);
  settings.limits.admit_whole = false;
  const ServiceRun chunk = serve_small(requests, settings);
  CHECK(whole.preemptions == 0);
  CHECK(whole.recomputed_tokens == 0);
  CHECK(chunk.preemptions > 3);
  CHECK(chunk.recomputed_tokens > 640);
  CHECK(chunk.end > whole.end);
}

TEST_CASE("a window bounds the blocks of a sequence") {
  ServiceSettings settings = with_plenty();
  settings.limits.window = 64;
  settings.limits.max_batched_tokens = 32;
  settings.limits.blocks = 8;  // (64 + 32) / 16 + 2; without a window 1009 / 16 are needed
  FakeCost cost(Time::from_us(10));
  const ServiceRun run = serve({{{}, 1000, 10}}, settings, cost);
  CHECK(run.blocks_peak <= 7);
  CHECK(run.preemptions == 0);
  settings.limits.window = 0;
  CHECK_THROWS_AS(serve({{{}, 1000, 10}}, settings, cost), SimulationError);
}

TEST_CASE("two replicas at twice the rate serve as one does") {
  ServiceSettings one = with_plenty(), two = with_plenty();
  two.replicas = 2;
  two.router = Router::round_robin;
  const auto single = poisson(20, 2000);
  std::vector<Request> twice;
  for (const Request& request : single) twice.insert(twice.end(), 2, request);
  const ServiceRun a = serve_small(single, one), b = serve_small(twice, two);
  CHECK(b.end == a.end);
  CHECK(b.steps == 2 * a.steps);
  for (std::size_t i = 0; i < single.size(); ++i) {
    CHECK(b.requests[2 * i].end == a.requests[i].end);
    CHECK(b.requests[2 * i + 1].end == a.requests[i].end);
  }
  two.router = Router::least_loaded;
  CHECK(mean_latency_seconds(serve_small(single, two)) < mean_latency_seconds(a));
}

TEST_CASE("pipeline: stages work on as many steps at a time, a request alone visits one after the other") {
  ServiceSettings settings = with_plenty();
  settings.stages = 4;
  const auto stage = [](auto) { return StepTime{{}, Time::from_us(10), Time::from_us(2), Time::from_us(1)}; };
  FakeCost cost(stage);
  const ServiceRun alone = serve({{{}, 100, 3}}, settings, cost);
  CHECK(alone.requests[0].first_token == Time::from_us(45));  // four stages, three sends, the head
  CHECK(alone.requests[0].end == Time::from_us(3 * 45));
  // Saturated, the slowest stage sets the pace: with the head 12 us a step.
  settings.limits.max_batched_tokens = 1;
  std::vector<Request> many(1000, Request{{}, 1, 1});
  const ServiceRun run = serve(many, settings, cost);
  CHECK(run.end == Time::from_us(45 + 999 * 12));
}

TEST_CASE("closed loop: so many users, so many requests in the system") {
  ServiceSettings settings = with_plenty();
  settings.concurrency = 5;
  std::vector<Request> requests(500, Request{{}, 50, 10});
  const ServiceRun run = serve_small(requests, settings);
  CHECK(run.mean_in_system == doctest::Approx(5).epsilon(0.01));
  CHECK(run.batches[5] > run.steps * 9 / 10);
}

TEST_CASE("an interrupted run has no result, an empty one none to wait for") {
  std::atomic<bool> stop = true;
  ServiceSettings settings = with_plenty();
  settings.stop = &stop;
  FakeCost cost(small_model);
  CHECK(!simulate_service(poisson(10, 10), settings, cost));
  CHECK(simulate_service({}, with_plenty(), cost)->requests.empty());
}
