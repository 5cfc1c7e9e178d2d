#include <fmt/format.h>

#include "models/compute/launch_memo.h"
#include "models/evaluate/workload_paths.h"
#include "models/serving/batch_serve.h"
#include "models/serving/served_workload.h"
#include "sim/config/edit.h"
#include "sim/python/answers.h"

namespace sparsesim::python {
namespace {

constexpr std::size_t kRatesMost = 64;
constexpr double kRateLeast = 1e-6, kRateMost = 1e6;

[[noreturn]] void refuse_argument(const std::string& argument, const std::string& message) {
  throw config::ConfigError(config::Mistake{{argument, 0, 0}, message, {}, {}});
}

config::Node changed_tree(const config::Node& tree, const std::vector<Setting>& settings) {
  config::Diagnostics diagnostics;
  std::vector<config::Change> changes;
  for (const Setting& setting : settings) {
    if (const std::string wrong = wrong_workload_path(tree, setting.path); !wrong.empty())
      refuse_argument(setting.label, wrong);
    changes.push_back({split_workload_path(setting.path), config::load_text(setting.text, setting.label, diagnostics)});
  }
  diagnostics.throw_if_any();
  return config::with_changes(tree, changes);
}

template <class Result>
Answer answer_of(std::optional<Result> result, const std::string& workload, const ServedQuality& quality) {
  if (!result) throw RunStopped();
  result->workload = workload;
  return {format_json(*result, quality), format_table(*result, quality), format_requests(*result)};
}

}  // namespace

Answer answer_serve(const Shipped& shipped, const ServeRequest& request, const Stop& stop) {
  if (request.rates.size() > kRatesMost) refuse_argument("rate", fmt::format("more than {} rates", kRatesMost));
  for (const double rate : request.rates)
    if (!(rate >= kRateLeast && rate <= kRateMost))
      refuse_argument("rate", fmt::format("requests per second from {} to {}, not {}", kRateLeast, kRateMost, rate));
  const config::Node tree = load_workload_tree(request.workload, shipped.workloads);
  const ServedWorkload served = read_served(changed_tree(tree, request.change), !request.rates.empty());
  const Substrate substrate = load_substrate_with(request.substrate, shipped.substrates, request.set, "given in set");
  ServeOptions options;
  options.seed = request.seed.value_or(served.workload.seed);
  options.interval = request.interval;
  options.threads = request.threads;
  options.stop = &stop;
  const ServedQuality quality{request.quality_dense, request.quality_sparse};
  if (served.scheduling != Scheduling::continuous)
    return answer_of(serve_batches(served.tree, substrate, served.spec, request.rates, options, served.place),
                     served.workload.name, quality);
  return answer_of(
      serve_model(served.workload.model->model, substrate, served.spec, request.rates, options, served.place),
      served.workload.name, quality);
}

}  // namespace sparsesim::python
