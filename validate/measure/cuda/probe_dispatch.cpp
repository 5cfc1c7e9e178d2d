// What it costs to start work: launches, graph nodes, CTAs, barriers; and one device's bytes to another.

#include <algorithm>

#include "validate/measure/cuda/probe_kernels.h"
#include "validate/measure/cuda/prober.h"

namespace sparsesim::measure {
namespace {

constexpr int kNodes = 200;

double as_us(double seconds) { return seconds * 1e6; }
double as_ns(double seconds) { return seconds * 1e9; }

void probe_launches(const Prober& p, SubstrateFile& file) {
  auto launches = p.time([&] {
    for (int i = 0; i < kNodes; ++i) check(empty_grid(1, 32, p.stream()));
  });
  for (double& seconds : launches) seconds /= kNodes;
  file.number("dispatch.launch", spread_of(launches, as_us), "us", "empty kernels of one CTA back to back in a stream");
  const auto nodes = p.time_graph(kNodes, [&] { check(empty_grid(1, 32, p.stream())); });
  file.number("dispatch.graph_node", spread_of(nodes, as_us), "us", "the same, in a chain of graph nodes");
}

/// Time of large grids of empty CTAs: the slope is the rate.
void probe_rate(const Prober& p, SubstrateFile& file) {
  Curve curve{.name = "empty_grid",
              .title = "time of a grid of empty CTAs of 32 threads",
              .x_unit = "CTA",
              .y_unit = "us",
              .points = {}};
  for (std::int64_t ctas = 1; ctas <= 1 << 20; ctas *= 4)
    curve.points.push_back(
        point_of(static_cast<double>(ctas), p.time_graph(8, [&] { check(empty_grid(ctas, 32, p.stream())); }), as_us));
  file.curve(curve);
  const auto slope = [&](int threads) {
    auto half = p.time_graph(4, [&] { check(empty_grid(1 << 19, threads, p.stream())); });
    const auto whole = p.time_graph(4, [&] { check(empty_grid(1 << 20, threads, p.stream())); });
    for (std::size_t i = 0; i < half.size(); ++i) half[i] = std::max((whole[i] - half[i]) / (1 << 19), 1e-13);
    return half;
  };
  const auto per_cta = slope(32);
  file.number("dispatch.rate", spread_of(per_cta, [](double seconds) { return 1e-9 / seconds; }), "G/s",
              "empty CTAs of 32 threads, from 2^19 to 2^20 of them");
  file.granule({"dispatch", 1, "CTA", spread_of(per_cta), "one empty CTA of 32 threads in a large grid"});
  const auto wide = slope(1024);
  file.granule(
      {"dispatch of 1024 threads", 1, "CTA", spread_of(wide), "one empty CTA of 1024 threads in a large grid"});
}

/// CTAs that keep an SM to themselves for a known time: what a wave takes longer is the hand-over, what a grid of one
/// wave takes longer than an empty one is its start and drain.
void probe_waves(const Prober& p, SubstrateFile& file) {
  const std::int64_t cycles = 10'000;
  const int units = p.device().units(), shared = p.whole_sm_bytes(), waves = 8;
  const double spin = static_cast<double>(cycles) / p.clock_hz();
  const auto grid = [&](int ctas) {
    return p.time_graph(10, [&] { check(spin_grid(ctas, cycles, shared, p.stream())); });
  };
  auto one = grid(units);
  const auto many = grid(units * waves);
  std::vector<double> hand_over;
  for (std::size_t i = 0; i < one.size(); ++i)
    hand_over.push_back(std::max((many[i] - one[i]) / (waves - 1) - spin, 1e-10));
  file.number("dispatch.hand_over", spread_of(hand_over, as_ns), "ns",
              "CTAs that keep an SM for 10000 cycles, wave after wave");
  const Spread empty = spread_of(p.time_graph(kNodes, [&] { check(empty_grid(1, 32, p.stream())); }));
  for (double& seconds : one) seconds = std::max(seconds - spin - empty.value, 1e-9);
  file.number("dispatch.grid_start", spread_of(one, as_us), "us",
              "a wave of CTAs of known length, less an empty graph node");
}

void probe_barrier(const Prober& p, SubstrateFile& file) {
  constexpr int kRounds = 200;
  const int units = p.device().units();
  auto many = p.time([&] { check(sync_grid(units, kRounds, p.stream())); });
  const auto none = p.time([&] { check(sync_grid(units, 0, p.stream())); });
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = std::max((many[i] - none[i]) / kRounds, 1e-9);
  file.number("dispatch.grid_sync", spread_of(many, as_us), "us", "cooperative groups, one CTA of a warp on each SM");
}

}  // namespace

void probe_dispatch(const Prober& prober, SubstrateFile& file) {
  try_probe(file, "launches and graph nodes", [&] { probe_launches(prober, file); });
  try_probe(file, "rate of CTAs", [&] { probe_rate(prober, file); });
  try_probe(file, "hand-over and start of grids", [&] { probe_waves(prober, file); });
  try_probe(file, "barrier of a grid", [&] { probe_barrier(prober, file); });
}

void probe_peers(const Prober& prober, SubstrateFile& file) {
  if (device_count() < 2) return file.missing("bandwidth between devices", "there is one device");
  try_probe(file, "bandwidth between devices", [&] {
    constexpr std::size_t kBytes = std::size_t{256} << 20;
    check(cudaSetDevice(1));
    DeviceMemory there;
    try {
      there = DeviceMemory(kBytes);
    } catch (...) {
      cudaSetDevice(prober.device().index());
      throw;
    }
    check(cudaSetDevice(prober.device().index()));
    const cudaError_t peers = cudaDeviceEnablePeerAccess(1, 0);
    if (peers != cudaErrorPeerAccessAlreadyEnabled && peers != cudaSuccess)
      cudaGetLastError();  // copies go by the host
    Curve curve{.name = "peer_copy",
                .title = "copies from the first device to the second",
                .x_unit = "B",
                .y_unit = "GB/s",
                .points = {}};
    Spread smallest;
    for (std::size_t bytes = 512; bytes <= kBytes; bytes *= 8) {
      const auto seconds = prober.time([&] {
        check(cudaMemcpyPeerAsync(there.data(), 1, prober.table().data(), prober.device().index(), bytes,
                                  prober.stream()));
      });
      if (bytes == 512) smallest = spread_of(seconds);
      curve.points.push_back(point_of(static_cast<double>(bytes), seconds,
                                      [&](double s) { return static_cast<double>(bytes) / s * 1e-9; }));
    }
    file.curve(curve);
    file.granule({"interconnect", 512, "B", smallest, "a copy of 512 B to the second device"});
  });
}

}  // namespace sparsesim::measure
