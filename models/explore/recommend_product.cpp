// Which product of a workload a recommendation is for.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/explore/recommend.h"
#include "models/ops/limits.h"
#include "sim/config/reader.h"

namespace sparsesim {
namespace {

std::string product_names(const Workload& workload) {
  std::vector<std::string> names;
  for (const WorkloadOp& entry : workload.ops)
    if (product_of(*entry.op)) names.push_back(entry.name);
  return names.empty() ? "the workload has neither" : fmt::format("those are: {}", fmt::join(names, ", "));
}

const WorkloadOp& named_product(const Workload& workload, const std::string& name) {
  std::vector<std::string> names;
  for (const WorkloadOp& entry : workload.ops) {
    names.push_back(entry.name);
    if (entry.name != name) continue;
    if (product_of(*entry.op)) return entry;
    throw config::ConfigError(
        config::Mistake{entry.place,
                        fmt::format("op \"{}\" is of kind {}, not gemm or spmm", name, entry.op->kind()),
                        product_names(workload),
                        {}});
  }
  const std::string near = config::nearest(name, names);
  throw config::ConfigError(config::Mistake{
      {"--op", 0, 0},
      fmt::format("no op of {} is called \"{}\"", workload.name, name),
      near.empty() ? fmt::format("known: {}", fmt::join(names, ", ")) : fmt::format("did you mean \"{}\"?", near),
      {}});
}

double dense_seconds(const WorkloadOp& entry, const Substrate& substrate, std::uint64_t seed) {
  try {
    return predict_dense(*entry.op, substrate, seed).time.seconds() * static_cast<double>(entry.passes());
  } catch (const UnsupportedError& error) {
    throw UnsupportedError(
        config::ConfigError(
            config::Mistake{entry.place, fmt::format("op \"{}\": {}", entry.name, error.what()), {}, {}})
            .what());
  } catch (const TooLargeError& error) {
    throw config::ConfigError(
        config::Mistake{entry.place, fmt::format("op \"{}\": {}", entry.name, error.what()), {}, {}});
  }
}

}  // namespace

const WorkloadOp& find_product(const Workload& workload, const Substrate& substrate, const std::string& name) {
  const WorkloadOp* best = nullptr;
  double longest = -1;
  if (!name.empty()) best = &named_product(workload, name);
  for (const WorkloadOp& entry : workload.ops) {
    if (best && !name.empty() ? &entry != best : !product_of(*entry.op)) continue;
    const double seconds = dense_seconds(entry, substrate, workload.seed);  // says early what cannot run
    if (seconds <= longest) continue;
    longest = seconds;
    best = &entry;
  }
  if (best) return *best;
  throw config::ConfigError(
      config::Mistake{{workload.name, 0, 0}, "no op is a gemm or spmm: there are no weights to leave out", {}, {}});
}

}  // namespace sparsesim
