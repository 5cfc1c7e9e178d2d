#pragma once
// Samples of what a GPU charges, for the fingerprint.

#include <cstdint>
#include <functional>
#include <vector>

#include "validate/measure/cuda/device.h"
#include "validate/measure/cuda/timer.h"
#include "validate/measure/harness/substrate_file.h"

namespace sparsesim::measure {

/// How long to sample.
struct ProbeEffort {
  int samples = 15;                                // of each number
  std::size_t table_bytes = std::size_t{2} << 30;  // beyond every cache
};

/// A device under the probes.
class Prober {
 public:
  Prober(const Device& device, const ProbeEffort& effort, std::uint64_t seed);

  const Device& device() const { return device_; }
  cudaStream_t stream() const { return device_.stream; }
  std::uint64_t seed() const { return seed_; }
  int samples() const { return effort_.samples; }
  /// Memory beyond every cache, zeroed.
  const DeviceMemory& table() const { return table_; }
  std::uint32_t* sink() const { return sink_.as<std::uint32_t>(); }
  /// Room for what kernels report.
  std::int64_t* report() const { return report_.as<std::int64_t>(); }

  /// Seconds of what is enqueued: one untimed run, then `samples`.
  std::vector<double> time(const std::function<void()>& enqueue) const;
  /// The same for what is enqueued `nodes` times into one graph, per node.
  std::vector<double> time_graph(int nodes, const std::function<void()>& enqueue) const;
  /// Cycles that a kernel writes to report(): one untimed run, then `samples`.
  std::vector<double> cycles(const std::function<void()>& enqueue) const;
  /// Cycles per second now: under whatever load ran just before.
  double clock_hz(std::int64_t nanoseconds = 20'000) const;
  /// Shared memory of a CTA that keeps its SM to itself.
  int whole_sm_bytes() const;

 private:
  const Device& device_;
  ProbeEffort effort_;
  std::uint64_t seed_;
  StreamTimer timer_;
  DeviceMemory table_, sink_, report_;
};

/// A measured number from times: value(p10), with the range from the p10 to the median.
Spread spread_of(std::vector<double> seconds, const std::function<double(double)>& value);
/// The samples as they are.
Spread spread_of(std::vector<double> samples);
/// A point of a curve, from times.
CurveEntry point_of(double x, std::vector<double> seconds, const std::function<double(double)>& value);

/// Two means of one-dimensional samples (Lloyd, from the extremes): the lower and the upper.
std::pair<double, double> two_means(const std::vector<double>& samples);

/// A random cycle through `count` places `stride` apart: element i * stride holds the next place. Sattolo's algorithm.
std::vector<std::uint32_t> random_cycle(std::uint32_t count, std::uint32_t stride, std::uint64_t seed);

/// The shipped machine that is nearest to a device: by its name, else by its compute capability.
std::string nearest_machine(const std::string& device_name, int capability, std::size_t memory_bytes);

/// Parts of the fingerprint. Each adds what it finds; what fails is named as missing.
void probe_dispatch(const Prober& prober, SubstrateFile& file);
void probe_caches(const Prober& prober, SubstrateFile& file);
void probe_gathers(const Prober& prober, SubstrateFile& file);
void probe_compute(const Prober& prober, SubstrateFile& file);
void probe_peers(const Prober& prober, SubstrateFile& file);

/// Runs one probe; an error becomes an entry of what is missing.
void try_probe(SubstrateFile& file, const std::string& what, const std::function<void()>& probe);

}  // namespace sparsesim::measure
