#include "validate/measure/cuda/fingerprint.h"

#include <cctype>
#include <cstdio>

#include "validate/measure/cuda/backend.h"
#include "validate/measure/cuda/prober.h"
#include "validate/measure/cuda/sparse_products.h"
#include "validate/measure/harness/csv.h"
#include "validate/measure/harness/results.h"

namespace sparsesim::measure {
namespace {

/// What the driver says of the device.
void write_facts(const Device& device, SubstrateFile& file) {
  const cudaDeviceProp& properties = device.properties();
  file.fact("compute.units", std::to_string(properties.multiProcessorCount), "spec", "driver");
  file.fact("memory.l2.capacity", std::to_string(properties.l2CacheSize) + " B", "spec", "driver");
  file.fact("memory.dram.capacity", std::to_string(properties.totalGlobalMem) + " B", "spec", "driver");
}

void write_head(const Device& device, SubstrateFile& file) {
  file.head("cuda", device.properties().name, today(), clock_state(device));
  for (const auto& [what, version] : library_versions()) file.version(what, version);
  if (const std::string version = cusparselt_version(); !version.empty()) file.version("cuSPARSELt", version);
}

}  // namespace

std::string machine_name(const std::string& device_name) {
  std::string name;
  for (const char c : device_name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  return name;
}

void fingerprint_device(const FingerprintRequest& request) {
  const Device device;
  const cudaDeviceProp& properties = device.properties();
  const std::string base = nearest_machine(properties.name, device.capability(), properties.totalGlobalMem);
  SubstrateFile file(request.name.empty() ? machine_name(properties.name) : request.name,
                     std::string(properties.name) + " (measured)", base);
  ProbeEffort effort;
  if (request.quick) effort = {.samples = 3, .table_bytes = std::size_t{512} << 20};
  write_head(device, file);
  write_facts(device, file);
  const Prober prober(device, effort, request.seed);
  const std::pair<const char*, void (*)(const Prober&, SubstrateFile&)> probes[] = {
      {"matrix products and clocks", probe_compute},
      {"starts of work", probe_dispatch},
      {"caches", probe_caches},
      {"random granules", probe_gathers},
      {"other devices", probe_peers}};
  for (const auto& [what, probe] : probes) {
    if (!request.quiet) std::fprintf(stderr, "%s\n", what);
    probe(prober, file);
    write_whole(request.out, file.text());  // what comes next may fail for good
  }
}

}  // namespace sparsesim::measure
