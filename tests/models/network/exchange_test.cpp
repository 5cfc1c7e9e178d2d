#include "models/network/exchange.h"

#include <doctest/doctest.h>

#include "models/network/collectives.h"

using namespace sparsesim;

namespace {

Substrate shipped(const char* name) { return load_substrate(name, {{SPARSESIM_SOURCE_DIR "/substrates"}}); }

/// Bare links of 100 GB/s with 1 us from device to device, no collective library.
Substrate bare_links() {
  Substrate s;
  s.fabric.name = "bare";
  s.fabric.topology = "switch";
  s.fabric.devices = 8;
  s.fabric.switches = 1;
  s.fabric.link_bandwidth.value = 100e9;
  s.fabric.link_efficiency.value = 1;
  s.fabric.link_latency.value = 1e-6;
  return s;
}

Exchange uniform(const char* algorithm, int devices, double bytes) {
  return {algorithm, algorithm, devices, {}, bytes};
}

}  // namespace

TEST_CASE("bare links: an all-to-all is its busiest link plus one latency") {
  const auto result = exchange_time(uniform("all_to_all", 8, 8e6), bare_links(), {});
  CHECK(result.bound_seconds == doctest::Approx(7e6 / 100e9));
  CHECK(result.time.seconds() == doctest::Approx(7e6 / 100e9 + 1e-6));
  CHECK(result.messages == 56);
  CHECK(result.bytes == 56e6);
}

TEST_CASE("bare links: a ring all-reduce sends 2(n-1)/n of the buffer and waits 2(n-1) latencies") {
  const auto result = exchange_time(uniform("all_reduce", 4, 4e6), bare_links(), {});
  CHECK(result.time.seconds() == doctest::Approx(6 * (1e6 / 100e9 + 1e-6)));
  CHECK(result.messages == 4 * 6);
}

TEST_CASE("the slowest device sets the time of an uneven exchange; evened out it is faster") {
  Exchange skewed{"dispatch", "all_to_all", 4, std::vector<double>(16, 1e6), 0};
  skewed.bytes[0 * 4 + 3] = 9e6;  // device 3 receives 9 + 1 + 1
  const auto result = exchange_time(skewed, bare_links(), {});
  CHECK(result.bound_seconds == doctest::Approx(11e6 / 100e9));
  Ideal even;
  even.imbalance = true;
  // 24 MB over 16 pairs: each device sends 3 x 1.5 MB
  CHECK(exchange_time(skewed, bare_links(), even).bound_seconds == doctest::Approx(4.5e6 / 100e9));
}

TEST_CASE("a matrix of equal pairs costs what the uniform exchange costs") {
  const Substrate machine = shipped("a100-sxm4-80gb");
  for (double bytes : {4096.0, 1048576.0, 67108864.0}) {
    const Exchange pairs{"pairs", "all_to_all", 8, std::vector<double>(64, bytes / 8), 0};
    CHECK(exchange_time(pairs, machine, {}).time == exchange_time(uniform("all_to_all", 8, bytes), machine, {}).time);
  }
}

TEST_CASE("messages are rounded up to packets unless padding is ideal") {
  Substrate machine = bare_links();
  machine.fabric.packet.value = 256;
  Ideal exact;
  exact.padding = true;
  CHECK(exchange_time(uniform("all_to_all", 8, 8 * 257), machine, {}).bytes == 56 * 512);
  CHECK(exchange_time(uniform("all_to_all", 8, 8 * 257), machine, exact).bytes == 56 * 257);
}

TEST_CASE("ideal fabric takes no time, one device or no bytes neither, and no fixed cost takes less") {
  const Substrate machine = shipped("a100-sxm4-80gb");
  Ideal no_fabric, no_fixed;
  no_fabric.fabric = true;
  no_fixed.fixed_cost = true;
  for (const char* algorithm : {"all_to_all", "all_gather", "reduce_scatter", "all_reduce"}) {
    CAPTURE(algorithm);
    const auto real = exchange_time(uniform(algorithm, 8, 1e6), machine, {});
    CHECK(real.time.seconds() > real.bound_seconds);
    CHECK(exchange_time(uniform(algorithm, 8, 1e6), machine, no_fabric).time == Time{});
    CHECK(exchange_time(uniform(algorithm, 1, 1e6), machine, {}).time == Time{});
    CHECK(exchange_time(uniform(algorithm, 8, 0), machine, {}).time == Time{});
    CHECK(exchange_time(uniform(algorithm, 8, 1e6), machine, no_fixed).time < real.time);
  }
}

TEST_CASE("wrong exchanges are refused") {
  CHECK_THROWS_AS(exchange_time(uniform("broadcast", 8, 1), bare_links(), {}), std::invalid_argument);
  CHECK_THROWS_AS(exchange_time(uniform("all_to_all", 9, 1), bare_links(), {}), std::runtime_error);
  for (const char* algorithm : {"all_gather", "reduce_scatter", "all_reduce"}) {
    CHECK_THROWS_AS(exchange_time(uniform(algorithm, 9, 1), bare_links(), {}), std::runtime_error);
    CHECK_THROWS_AS(exchange_time(uniform(algorithm, 2, 1), Substrate{}, {}), std::runtime_error);
  }
  CHECK_THROWS_AS(exchange_time({"x", "all_to_all", 4, {1, 2}, 0}, bare_links(), {}), std::invalid_argument);
  CHECK_THROWS_AS(exchange_time({"x", "all_reduce", 1, {1}, 0}, bare_links(), {}), std::invalid_argument);
}

TEST_CASE(
    "shipped fabrics: every protocol constant is there, time is above the bound and grows from floor to bandwidth") {
  for (const char* name :
       {"a100-sxm4-80gb", "h100-sxm5-80gb", "h200-sxm-141gb", "b200-sxm-180gb", "b300-sxm", "gb200-nvl72",
        "v100-sxm2-32gb", "mi300x", "l40s-48gb", "rtx-3090", "rtx-4090", "rtx-a6000-48gb"}) {
    CAPTURE(name);
    const Substrate machine = shipped(name);
    CHECK_NOTHROW(read_library(machine.fabric));
    for (const char* algorithm : {"all_to_all", "all_gather", "reduce_scatter", "all_reduce"}) {
      for (int devices : {2, 4, 8}) {
        for (double bytes = 512; bytes < 2e9; bytes *= 4) {
          const auto result = exchange_time(uniform(algorithm, devices, bytes), machine, {});
          CHECK(result.time.seconds() >= result.bound_seconds);
        }
      }
    }
  }
}
