// Laws of streaming kernels: bandwidth when large, latency when small.

#include "models/ops/dense/elementwise.h"

#include <doctest/doctest.h>

#include "models/compute/player.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

const Substrate& h100() { return machine("h100-sxm5-80gb"); }

double stored(const Launch& launch) {
  double bytes = 0;
  for (const Task& task : launch.tasks) bytes += launch.shapes[task.shape].store_bytes;
  return bytes;
}

ElementwiseSize copy_of(std::int64_t elements) {
  ElementwiseSize size;
  size.elements = elements;
  return size;
}

}  // namespace

TEST_CASE("every byte is written once, merged tasks or not") {
  for (std::int64_t elements : {std::int64_t{1}, std::int64_t{1000}, std::int64_t{123456789}})
    CHECK(stored(lower_elementwise(copy_of(elements), h100())) ==
          doctest::Approx(2.0 * static_cast<double>(elements)).epsilon(1e-12));
  for (std::int64_t tokens : {1, 500, 100001})
    CHECK(stored(lower_cache_write(tokens, 1024, "bf16", h100())) ==
          doctest::Approx(2.0 * 2 * 1024 * static_cast<double>(tokens)).epsilon(1e-12));
}

TEST_CASE("compiled programs give every unit a share: ten times the elements never take less") {
  for (const char* name : {"ipu-gc200", "wse-3"}) {
    double before = 0;
    for (std::int64_t elements = 100; elements < 100'000'000; elements *= 10) {
      CAPTURE(elements);
      ElementwiseSize size = copy_of(elements);
      size.flops_per_element = 40;
      const double now = play(lower_elementwise(size, machine(name)), machine(name), {}).time.us();
      CHECK(now >= before);
      before = now;
    }
  }
}

TEST_CASE("a large pass runs at the achieved DRAM bandwidth, never above it") {
  const std::int64_t elements = std::int64_t{1} << 30;
  const double bytes = 2.0 * 2 * static_cast<double>(elements);  // read and written, 2 B each
  const double time = play(lower_elementwise(copy_of(elements), h100()), h100(), {}).time.seconds();
  CHECK(time >= bytes / h100().memory.dram_achieved);
  CHECK(time <= 1.15 * bytes / h100().memory.dram_achieved);
}

TEST_CASE("a tiny pass costs its call and a few round trips") {
  const double time = play(lower_elementwise(copy_of(1), h100()), h100(), {}).time.seconds();
  CHECK(time > h100().dispatch.graph_node + h100().dispatch.grid_start);
  CHECK(time < 10e-6);
}

TEST_CASE("small tokens are bound by residency: half the elements, twice the resident blocks, half the time") {
  const auto time = [](double elements) {
    Ideal ideal;
    ideal.fixed_cost = true;
    return play(lower_cache_write(1 << 18, elements, "bf16", h100()), h100(), ideal).time.seconds();
  };
  CHECK(time(256) / time(128) == doctest::Approx(2.0).epsilon(0.1));
}

TEST_CASE("where every thread looks for its slot, tokens of more threads cost more, up to the threads of a block") {
  const Substrate& a100 = machine("a100-sxm4-80gb");
  const auto time = [&](double elements) {
    Ideal ideal;
    ideal.fixed_cost = true;
    return play(lower_cache_write(1 << 16, elements, "bf16", a100), a100, ideal).time.seconds();
  };
  CHECK(time(512) / time(256) == doctest::Approx(2.0).epsilon(0.1));
  CHECK(time(1024) / time(512) == doctest::Approx(1.0).epsilon(0.1));  // 512 threads, too
}

TEST_CASE("more traffic is never faster") {
  double before = 0;
  for (std::int64_t elements = 1 << 10; elements <= std::int64_t{1} << 28; elements *= 4) {
    const double time = play(lower_elementwise(copy_of(elements), h100()), h100(), {}).time.seconds();
    CHECK(time >= before);
    before = time;
  }
}

TEST_CASE("a library without the kernel is an error that names it") {
  CHECK_THROWS_AS(find_kernel(h100(), "elementwise", "int3", "dense"), UnsupportedError);
}

}  // namespace sparsesim
