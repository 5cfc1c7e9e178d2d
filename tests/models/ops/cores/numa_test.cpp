// Products on machines whose memory lies in NUMA domains: docs/models/numa.md.
#include <doctest/doctest.h>

#include "models/compute/player.h"
#include "models/ops/cores/core_gemm.h"
#include "models/ops/cores/core_spmm.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

Substrate placed(const char* name, NumaPlacement placement) {
  Substrate s = machine(name);
  s.memory.numa.placement = placement;
  return s;
}

/// One token through 1.6 GB of weights: memory alone counts.
constexpr std::int64_t kWide = 20000;
LaunchResult token(const Substrate& s) {
  return play(lower_cores_gemm({.m = 1, .n = kWide, .k = kWide, .dtype = "fp32"}, s, {}), s, {});
}
constexpr double kWeightBytes = 4.0 * kWide * kWide;

constexpr const char* kTwoSockets[] = {"epyc-genoa-2x96c", "xeon-sapphire-rapids-2x56c"};

}  // namespace

TEST_CASE("one token on two sockets: local pages beat interleaved ones, pages of one thread use one socket's memory") {
  for (const char* name : kTwoSockets) {
    CAPTURE(name);
    const Memory& memory = machine(name).memory;
    const LaunchResult local = token(placed(name, NumaPlacement::local)),
                       spread = token(placed(name, NumaPlacement::interleave)),
                       first = token(placed(name, NumaPlacement::first_touch));
    CHECK(local.time.seconds() <= 1.003 * spread.time.seconds());  // where DRAM bounds both: chunks of a 64th end apart
    CHECK(spread.time < first.time);
    // All weights leave one socket's memory; half of them cross the link.
    CHECK(first.time.seconds() >= kWeightBytes / (memory.dram_achieved / 2));
    CHECK(first.time.seconds() >= kWeightBytes / 2 / memory.numa.socket_link);
    CHECK(local.time.seconds() >= kWeightBytes / memory.dram_achieved);
    CHECK(local.time.seconds() <= 1.1 * kWeightBytes / memory.dram_achieved);
    for (const LaunchResult* result : {&spread, &first})
      CHECK(result->counters.remote_bytes == doctest::Approx(result->counters.dram_bytes / 2));
    CHECK(local.counters.remote_bytes < 0.01 * local.counters.dram_bytes);  // the token itself is everybody's
    CHECK(local.counters.dram_bytes == doctest::Approx(first.counters.dram_bytes));
  }
}

TEST_CASE("two sockets with local pages are two sockets: half of the time of one where memory counts") {
  const double one = token(machine("epyc-genoa-96c")).time.seconds(),
               two = token(placed("epyc-genoa-2x96c", NumaPlacement::local)).time.seconds();
  CHECK(one / two == doctest::Approx(2).epsilon(0.03));
}

TEST_CASE(
    "shares are fixed beforehand: near cores take no work from far ones, and twice the outputs take twice as long") {
  const auto time = [](std::int64_t outputs) {
    const Substrate s = placed("epyc-genoa-2x96c", NumaPlacement::first_touch);
    const LaunchResult result =
        play(lower_cores_gemm({.m = 16, .n = outputs, .k = 4096, .dtype = "fp32"}, s, {}), s, {});
    CHECK(result.counters.remote_bytes == doctest::Approx(result.counters.dram_bytes / 2).epsilon(0.02));
    return result.time.seconds();
  };
  CHECK(time(14336) / time(7168) == doctest::Approx(2).epsilon(0.05));
}

TEST_CASE("a socket split into equally near domains, pages interleaved, is the socket") {
  Substrate split = placed("epyc-genoa-96c", NumaPlacement::interleave);
  split.memory.numa.domains.value = 4;
  split.memory.numa.remote_latency.value = split.memory.dram_latency;
  CHECK(token(split).time == token(machine("epyc-genoa-96c")).time);
  split.memory.numa.placement = NumaPlacement::first_touch;
  CHECK(token(split).time.seconds() >= 4 * kWeightBytes / split.memory.dram_achieved);
}

TEST_CASE("what all cores share comes from memory once per socket") {
  const GemmSize size{.m = 1024, .n = 1024, .k = 1024, .dtype = "fp32"};
  const auto bytes = [&](const Substrate& s) { return play(lower_cores_gemm(size, s, {}), s, {}).counters.dram_bytes; };
  Substrate two = machine("epyc-genoa-96c"), one = two;
  two.memory.numa.domains.value = two.memory.numa.sockets.value = 2;
  two.memory.numa.socket_latency.value = 200e-9;
  CHECK(bytes(two) - bytes(one) == doctest::Approx(4.0 * 1024 * 1024));
}

TEST_CASE("sparse rows are taken as cores become free: local placement is interleaved then") {
  SpmmSize size;
  size.m = 1;
  size.n = size.k = 16384;
  size.dtype = "fp32";
  size.pattern = "unstructured";
  size.sparsity = 0.9;
  const auto time = [&](NumaPlacement placement) {
    const Substrate s = placed("epyc-genoa-2x96c", placement);
    return play(lower_cores_spmm(size, {s, {}, 1}), s, {}).time;
  };
  CHECK(time(NumaPlacement::local) == time(NumaPlacement::interleave));
  CHECK(time(NumaPlacement::interleave) < time(NumaPlacement::first_touch));
}

}  // namespace sparsesim
