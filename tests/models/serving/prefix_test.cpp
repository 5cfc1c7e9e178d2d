// Prefixes that requests share: blocks are held once, conserved, and computed once as long as they are there.

#include <doctest/doctest.h>

#include <algorithm>

#include "models/serving/prefix_cache.h"
#include "models/serving/service.h"
#include "models/serving/serving_spec.h"
#include "tests/models/serving/fake_cost.h"

namespace sparsesim {
namespace {

ServiceRun serve_shared(const std::vector<Request>& requests, const SchedulerLimits& limits) {
  FakeCost cost(small_model);
  ServiceSettings settings;
  settings.limits = limits;
  return *simulate_service(requests, settings, cost);
}

SchedulerLimits room_for(std::int64_t blocks, bool caching = true) {
  SchedulerLimits limits;
  limits.blocks = blocks;
  limits.prefix_caching = caching;
  return limits;
}

std::vector<Request> shared_requests(std::int64_t count, double rate, std::int64_t prefixes, const char* length) {
  ServingSpec spec;
  spec.rate = rate;
  spec.requests = count;
  spec.input = *parse_token_law("uniform:20:200");
  spec.output = *parse_token_law("uniform:1:60");
  spec.prefix = parse_token_law(length);
  spec.prefixes = prefixes;
  return make_requests(spec, 1);
}

TEST_CASE("blocks of a prefix: held by many, idle when nobody does, the last one goes first") {
  PrefixCache cache;
  for (std::int64_t block = 0; block < 4; ++block) CHECK(cache.add(7, block));
  CHECK_FALSE(cache.add(7, 2));
  cache.hold(7, 2);
  CHECK(cache.release(7, 4) == 2);
  CHECK(cache.idle() == 2);
  CHECK(cache.idle_among(7, 3) == 1);
  CHECK(cache.add(9, 0));
  CHECK(cache.release(9, 1) == 1);
  cache.keep_idle(2);  // block 3 of prefix 7 was let go first, as the last of its prefix
  CHECK(cache.present(7, 9) == 3);
  CHECK(cache.present(9, 9) == 1);
  cache.hold(7, 3);
  CHECK(cache.idle() == 1);
  cache.keep_idle(0);
  CHECK(cache.present(9, 9) == 0);
  CHECK(cache.present(7, 9) == 3);
  CHECK_THROWS(cache.release(7, 4));
}

TEST_CASE("a second request computes what is not shared, in whole blocks, and one token at least") {
  const Request first{{}, 100, 1, {3, 70}}, second{Time::from_us(50'000), 120, 1, {3, 70}};
  const ServiceRun run = serve_shared({first, second}, room_for(1000));
  CHECK(run.cached_tokens == 64);  // four blocks of 16
  CHECK(run.asked_tokens == 220);
  CHECK(run.tokens == 100 + 120 - 64);
  CHECK(run.requests[1].latency() == small_model(std::vector{StepSequence{1, 56, 120, true, false}}).stage);
  const Request whole{{}, 64, 1, {3, 64}}, again{Time::from_us(50'000), 64, 1, {3, 64}};
  CHECK(serve_shared({whole, again}, room_for(1000)).cached_tokens == 48);
  CHECK(serve_shared({first, second}, room_for(1000, false)).cached_tokens == 0);
  const Request other{Time::from_us(50'000), 120, 1, {4, 70}};
  CHECK(serve_shared({first, other}, room_for(1000)).cached_tokens == 0);
}

TEST_CASE("requests of one step share what it computes; their blocks count once") {
  const std::vector<Request> requests(8, Request{{}, 160, 1, {0, 160}});
  const ServiceRun run = serve_shared(requests, room_for(1000));
  CHECK(run.cached_tokens == 7 * 144);
  CHECK(run.blocks_peak == 9 + 8);  // nine shared, the last of each its own, one of them is in the cache as well
}

TEST_CASE("tokens are conserved: computed and found are prompts, kept answers, and what preemptions gave up") {
  const std::vector<Request> requests = shared_requests(400, 400, 12, "uniform:10:400");
  std::int64_t kept = 0;
  for (const Request& request : requests) kept += request.kept();
  for (const std::int64_t blocks : {60, 90, 150, 400, 100'000}) {
    CAPTURE(blocks);
    SchedulerLimits limits = room_for(blocks);
    limits.max_batched_tokens = 512;
    for (const bool whole : {true, false}) {
      limits.admit_whole = whole;
      const ServiceRun run = serve_shared(requests, limits);
      CHECK(run.tokens + run.cached_tokens == kept + run.recomputed_tokens);
      CHECK(run.blocks_peak <= blocks);
      CHECK(run.cached_tokens > 0);
    }
  }
}

TEST_CASE("more room keeps more prefixes; without any sharing the cache changes nothing") {
  const std::vector<Request> requests = shared_requests(300, 100, 40, "320");
  const auto share = [&](std::int64_t blocks) {
    const ServiceRun run = serve_shared(requests, room_for(blocks));
    return static_cast<double>(run.cached_tokens) / static_cast<double>(run.asked_tokens);
  };
  const double little = share(200), more = share(500), all = share(100'000);
  CHECK(little < more);
  CHECK(more < all);
  // Of 300 requests all but the first of each of 40 prefixes find 20 blocks.
  CHECK(all * static_cast<double>(serve_shared(requests, room_for(100'000)).asked_tokens) ==
        doctest::Approx(260 * 320).epsilon(0.05));
  std::vector<Request> plain = requests;
  for (Request& request : plain) request.prefix = {};
  const ServiceRun with = serve_shared(plain, room_for(300)), without = serve_shared(plain, room_for(300, false));
  CHECK(with.end == without.end);
  CHECK(with.steps == without.steps);
}

TEST_CASE("the share of requests with a prefix, its length, and lengths that stay when prefixes go") {
  ServingSpec spec;
  spec.requests = 4000;
  spec.input = *parse_token_law("uniform:10:100");
  const std::vector<Request> none = make_requests(spec, 1);
  spec.prefix = parse_token_law("uniform:100:900");
  spec.prefixes = 5;
  spec.prefix_share = 0.25;
  const std::vector<Request> some = make_requests(spec, 1);
  std::map<std::int64_t, std::int64_t> lengths;
  std::int64_t with = 0;
  for (std::size_t i = 0; i < some.size(); ++i) {
    const Prefix prefix = some[i].prefix;
    CHECK(some[i].input == none[i].input + prefix.tokens);
    CHECK(some[i].arrival == none[i].arrival);
    if (prefix.tokens == 0) continue;
    ++with;
    CHECK(lengths.emplace(prefix.id, prefix.tokens).first->second == prefix.tokens);
  }
  CHECK(static_cast<double>(with) == doctest::Approx(1000).epsilon(0.1));
  CHECK(lengths.size() == 5);
}

}  // namespace
}  // namespace sparsesim
