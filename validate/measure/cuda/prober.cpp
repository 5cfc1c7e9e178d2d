#include "validate/measure/cuda/prober.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "validate/measure/cuda/host_device.h"
#include "validate/measure/cuda/probe_kernels.h"
#include "validate/measure/harness/estimator.h"

namespace sparsesim::measure {

Prober::Prober(const Device& device, const ProbeEffort& effort, std::uint64_t seed)
    : device_(device),
      effort_(effort),
      seed_(seed),
      timer_(device.stream),
      table_(std::min(effort.table_bytes, device.free_bytes() / 4)),
      sink_(256),
      report_(std::size_t{1} << 20) {
  check(cudaMemsetAsync(table_.data(), 0, table_.bytes(), device.stream));
  device.synchronize();
}

std::vector<double> Prober::time(const std::function<void()>& enqueue) const {
  enqueue();
  device_.synchronize();
  std::vector<double> seconds;
  for (int sample = 0; sample < effort_.samples; ++sample) seconds.push_back(timer_.seconds(enqueue));
  return seconds;
}

std::vector<double> Prober::time_graph(int nodes, const std::function<void()>& enqueue) const {
  cudaGraph_t graph = nullptr;
  check(cudaStreamBeginCapture(device_.stream, cudaStreamCaptureModeThreadLocal));
  try {
    for (int node = 0; node < nodes; ++node) enqueue();
  } catch (...) {
    cudaStreamEndCapture(device_.stream, &graph);
    throw;
  }
  check(cudaStreamEndCapture(device_.stream, &graph));
  cudaGraphExec_t executable = nullptr;
  const cudaError_t result = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  check(result);
  std::vector<double> seconds;
  try {
    seconds = time([&] { check(cudaGraphLaunch(executable, device_.stream)); });
  } catch (...) {
    cudaGraphExecDestroy(executable);
    throw;
  }
  cudaGraphExecDestroy(executable);
  for (double& value : seconds) value /= nodes;
  return seconds;
}

std::vector<double> Prober::cycles(const std::function<void()>& enqueue) const {
  std::vector<double> cycles;
  for (int sample = 0; sample <= effort_.samples; ++sample) {
    enqueue();
    device_.synchronize();
    if (sample > 0) cycles.push_back(static_cast<double>(to_host<std::int64_t>(report(), 1).front()));
  }
  return cycles;
}

double Prober::clock_hz(std::int64_t nanoseconds) const {
  check(compare_clocks(nanoseconds, report(), stream()));
  device_.synchronize();
  const auto pair = to_host<std::int64_t>(report(), 2);
  return static_cast<double>(pair[0]) / static_cast<double>(pair[1]) * 1e9;
}

int Prober::whole_sm_bytes() const {
  // More than half of what CTAs can have together.
  const int most = device_.attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  const int together = device_.attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor);
  return std::min(most, together / 2 + 1024);
}

Spread spread_of(std::vector<double> seconds, const std::function<double(double)>& value) {
  const double p10 = value(quantile(seconds, 0.1)), p50 = value(quantile(seconds, 0.5));
  return {.value = p10,
          .low = std::min(p10, p50),
          .high = std::max(p10, p50),
          .p50 = p50,
          .samples = static_cast<int>(seconds.size()),
          .visits = 1};
}

Spread spread_of(std::vector<double> samples) {
  return spread_of(std::move(samples), [](double sample) { return sample; });
}

CurveEntry point_of(double x, std::vector<double> seconds, const std::function<double(double)>& value) {
  return {x, value(quantile(seconds, 0.1)), value(quantile(seconds, 0.5)), value(quantile(seconds, 0.9))};
}

std::pair<double, double> two_means(const std::vector<double>& samples) {
  const auto [least, most] = std::minmax_element(samples.begin(), samples.end());
  double low = *least, high = *most;
  for (int round = 0; round < 50; ++round) {
    double sums[2] = {}, counts[2] = {};
    for (const double sample : samples) {
      const int which = sample - low > high - sample ? 1 : 0;
      sums[which] += sample;
      counts[which] += 1;
    }
    if (counts[0] > 0) low = sums[0] / counts[0];
    if (counts[1] > 0) high = sums[1] / counts[1];
  }
  return {low, high};
}

std::vector<std::uint32_t> random_cycle(std::uint32_t count, std::uint32_t stride, std::uint64_t seed) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  for (std::uint32_t i = count - 1; i > 0; --i) std::swap(order[i], order[random_below(seed, i, i)]);
  std::vector<std::uint32_t> next(std::size_t{count} * stride, 0);
  for (std::uint32_t i = 0; i < count; ++i) next[std::size_t{i} * stride] = order[i] * stride;
  return next;
}

std::string nearest_machine(const std::string& device_name, int capability, std::size_t memory_bytes) {
  const auto is = [&](const char* part) { return device_name.find(part) != std::string::npos; };
  const bool large = memory_bytes > std::size_t{60} << 30;
  if (is("H200") || is("GH200")) return "h200-sxm-141gb";
  if (is("H100") || is("H800") || is("H20")) return "h100-sxm5-80gb";
  if (is("A100") || is("A800")) return large ? "a100-sxm4-80gb" : "a100-sxm4-40gb";
  if (is("B200") || is("B300") || is("GB200")) return "b200-sxm-180gb";
  if (is("L40")) return "l40s-48gb";
  if (capability >= 100) return "b200-sxm-180gb";
  if (capability >= 90) return "h100-sxm5-80gb";
  if (capability >= 89) return "l40s-48gb";
  if (capability >= 86) return "rtx-3090";
  return large ? "a100-sxm4-80gb" : "a100-sxm4-40gb";
}

void try_probe(SubstrateFile& file, const std::string& what, const std::function<void()>& probe) {
  try {
    probe();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "not measured: %s: %s\n", what.c_str(), error.what());
    file.missing(what, error.what());
  }
}

}  // namespace sparsesim::measure
