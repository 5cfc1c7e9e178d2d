#include "models/evaluate/distribution.h"

#include <algorithm>
#include <stdexcept>

#include "sim/core/parallel.h"

namespace sparsesim {
namespace {

/// The value of rank ceil(percent / 100 * count) in a sorted sample.
double nearest_rank(const std::vector<double>& sorted, std::size_t percent) {
  const std::size_t rank = (percent * sorted.size() + 99) / 100;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

Spread spread_of(std::vector<double> sample) {
  if (sample.empty()) throw std::invalid_argument("the spread of nothing");
  std::sort(sample.begin(), sample.end());
  return {sample.front(), nearest_rank(sample, 50), nearest_rank(sample, 95), sample.back()};
}

std::optional<Distribution> over_seeds(const Workload& workload, const Substrate& substrate,
                                       const DistributionOptions& options) {
  const auto count = static_cast<std::size_t>(options.seeds);
  std::vector<double> dense(count), sparse(count), speedup(count);
  LaunchMemo memo;  // dense twins are the same for every seed
  const auto simulate = [&](std::size_t i) {
    RunOptions one;
    one.seed = options.first_seed + i;
    one.explain = one.interval = false;
    const RunResult result = run(workload, substrate, one, &memo);
    dense[i] = result.dense.us();
    sparse[i] = result.sparse.us();
    speedup[i] = result.realised_speedup();
  };
  const auto done = [&](std::size_t finished) {
    if (options.progress) options.progress(finished, count);
  };
  for_each_index(count, options.threads, simulate, done, options.stop);
  if (options.stop && *options.stop) return std::nullopt;
  return Distribution{options.first_seed, options.seeds, spread_of(std::move(dense)), spread_of(std::move(sparse)),
                      spread_of(std::move(speedup))};
}

}  // namespace sparsesim
