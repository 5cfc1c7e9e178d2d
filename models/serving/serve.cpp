#include "models/serving/serve.h"

#include <fmt/format.h>

#include <algorithm>

namespace sparsesim {
namespace {

constexpr double kGenerations = 6;  // of requests that follow each other in a saturated run
constexpr std::int64_t kSaturatedTokensMost = std::int64_t{1} << 27;  // generated in it

config::ConfigError service_mistake(const config::Position& place, std::string message) {
  return config::ConfigError(config::Mistake{place, std::move(message), {}, {}});
}

void check_service(const Model& model, const Substrate& substrate, const ServingSpec& spec,
                   const std::vector<Request>& requests, const config::Position& place) {
  if (model.shape.kind != ModelKind::decoder)
    throw service_mistake(place, "an encoder generates no tokens: its section says scheduler: batch");
  if (model.parallel.devices() > substrate.devices)
    throw service_mistake(place, fmt::format("the model needs {} devices (parallel), {} has {}",
                                             model.parallel.devices(), substrate.name, substrate.devices));
  std::int64_t longest = 0, generated = 0;
  bool shares = false;
  for (const Request& request : requests) {
    shares = shares || request.prefix.tokens > 0;
    longest = std::max(longest, request.input + request.output);
    generated += request.output;
  }
  if (!spec.chunked_prefill && longest > spec.max_batched_tokens)
    throw service_mistake(place, fmt::format("without chunked_prefill a request must fit into a step: {} tokens, "
                                             "max_batched_tokens is {}",
                                             longest, spec.max_batched_tokens));
  if (shares && spec.prefix_caching && model.shape.window > 0)
    throw service_mistake(place, "blocks that fall out of a window are not shared: prefix_caching: false");
  constexpr std::int64_t kGeneratedMost = std::int64_t{1} << 30;
  if (generated > kGeneratedMost)
    throw service_mistake(place, fmt::format("{} tokens to generate, at most {}", generated, kGeneratedMost));
}

ServingSpec with_defaults(ServingSpec spec, const Substrate& substrate) {
  fill_batch_defaults(spec, substrate);
  return spec;
}

}  // namespace

ModelService::ModelService(const Model& model, const Substrate& substrate, const ServingSpec& spec,
                           const ServeOptions& options, const config::Position& place)
    : substrate_(substrate),
      spec_(with_defaults(spec, substrate)),
      options_(options),
      dense_(unpruned(model)),
      times_(model, substrate, {options.seed, spec.every_expert, options.threads}),
      requests_(make_requests(spec_, options.seed)) {
  check_service(model, substrate, spec_, requests_, place);
  if (model.dynamics.any()) dynamic_.emplace(model, substrate, options.seed, options.threads);
  const auto count = static_cast<double>(requests_.size());
  for (const Request& request : requests_) {
    longest_ = std::max(longest_, request.kept());
    mean_input_ += static_cast<double>(request.input);
    mean_output_ += static_cast<double>(request.output);
    mean_blocks_ += static_cast<double>(blocks_of_request(spec_, model.shape, request.kept()));
  }
  for (double* mean : {&mean_input_, &mean_output_, &mean_blocks_}) *mean /= count;
}

ServiceSettings ModelService::settings(const MemoryPlan& plan) const {
  const ModelParallel& parallel = dense_.parallel;
  ServiceSettings settings;
  settings.limits = {spec_.max_batched_tokens, spec_.max_sequences, spec_.chunked_prefill,
                     spec_.admit_whole,        spec_.block,         plan.blocks,
                     dense_.shape.window,      spec_.prefix_caching};
  settings.replicas = static_cast<int>(parallel.data);
  settings.stages = static_cast<int>(parallel.pipeline);
  settings.router = spec_.router;
  settings.concurrency = spec_.arrivals == Arrivals::closed ? spec_.concurrency : 0;
  settings.progress = options_.progress;
  settings.stop = options_.stop;
  return settings;
}

void ModelService::assume(const ServiceGuesses& guesses) {
  spec_.step_overhead = guesses.step_overhead;
  spec_.reserved_bytes = guesses.reserved;
}

std::unique_ptr<ServedCost> ModelService::cost_of(ServedSide side, const std::vector<Request>& requests) {
  auto whole = std::make_unique<ModelStepCost>(times_, side, host_time(), spec_.graphs);
  if (!dynamic_) return whole;
  auto drawn = std::make_unique<DynamicStepCost>(*dynamic_, requests, host_time(), spec_.graphs);
  if (side == ServedSide::sparse) return drawn;
  return std::make_unique<CompareStepCost>(std::move(whole), std::move(drawn));
}

std::map<std::string, std::string> ModelService::fallbacks() const {
  return dynamic_ ? dynamic_->fallbacks() : times_.fallbacks();
}

std::optional<SideResult> ModelService::side(ServedSide side) {
  const Model& model = side == ServedSide::dense ? dense_ : times_.model();
  SideResult result;
  result.memory = plan_memory(model, spec_, substrate_);
  result.sequences_fit = static_cast<std::int64_t>(static_cast<double>(result.memory.blocks) / mean_blocks_);
  result.misfit = misfit(result.memory, blocks_of_request(spec_, model.shape, longest_));
  if (!result.misfit.empty() || sparsesim::offered_rate(spec_, requests_) == 0) return result;
  const auto capacity = saturate(side, result.memory);
  if (!capacity) return std::nullopt;
  result.capacity = *capacity;
  return result;
}

std::optional<double> ModelService::saturate(ServedSide side, const MemoryPlan& plan) {
  ServiceSettings all = settings(plan);
  const double fit = std::max(1.0, static_cast<double>(plan.blocks) / mean_blocks_);
  const double together = static_cast<double>(all.replicas) * std::min(static_cast<double>(spec_.max_sequences), fit);
  const double most = static_cast<double>(kSaturatedTokensMost) / mean_output_;
  const auto count = static_cast<std::size_t>(std::max(
      static_cast<double>(std::min<std::size_t>(requests_.size(), 1000)), std::min(kGenerations * together, most)));
  std::vector<Request> waiting;
  for (std::size_t i = 0; i < count; ++i) {
    waiting.push_back(requests_[i % requests_.size()]);
    waiting.back().arrival = {};
  }
  const auto cost = cost_of(side, waiting);
  const auto run = simulate_service(waiting, all, *cost);
  if (!run) return std::nullopt;
  return saturated_rate(*run);
}

std::optional<LoadResult> ModelService::load(ServedSide side, double rate, const SideResult& known) {
  LoadResult result;
  result.overloaded = rate > 0 && rate >= known.capacity;
  if (result.overloaded) return result;
  const std::vector<Request> requests = requests_at(spec_, requests_, rate, options_.seed);
  const auto cost = cost_of(side, requests);
  auto run = simulate_service(requests, settings(known.memory), *cost);
  if (!run) return std::nullopt;
  result.summary = summarise(*run);
  result.blocks_peak = run->blocks_peak;
  result.preemptions = run->preemptions;
  result.recomputed_tokens = run->recomputed_tokens;
  result.asked_tokens = run->asked_tokens;
  result.cached_tokens = run->cached_tokens;
  result.steps = run->steps;
  result.requests = std::move(run->requests);
  result.totals = cost->totals();
  return result;
}

std::optional<double> ModelService::goodput(ServedSide side, const SideResult& known) {
  constexpr double kMilliseconds = 1e3, kPrecision = 1e-3;
  double good = 0, bad = 1;  // of the capacity
  while (bad - good > kPrecision) {
    const double share = (good + bad) / 2;
    const auto result = load(side, share * known.capacity, known);
    if (!result) return std::nullopt;
    const ServiceSummary& s = result->summary;
    const bool keeps = (spec_.ttft == 0 || s.first_token.p95 <= spec_.ttft * kMilliseconds) &&
                       (spec_.tpot == 0 || s.per_token.p95 <= spec_.tpot * kMilliseconds);
    (keeps ? good : bad) = share;
  }
  return good * known.capacity;
}

std::optional<ServeResult> serve_model(const Model& model, const Substrate& substrate, const ServingSpec& spec,
                                       const std::vector<double>& rates, const ServeOptions& options,
                                       const config::Position& place) {
  ModelService service(model, substrate, spec, options, place);
  ServeResult result;
  result.substrate = substrate.name;
  result.seed = options.seed;
  result.devices = static_cast<int>(model.parallel.devices());
  result.spec = service.spec();
  result.mean_input = service.mean_input();
  result.mean_output = service.mean_output();
  result.has_recipe = !model.recipe.empty() || spec.every_expert || model.dynamics.any();
  for (const ServedSide side : {ServedSide::sparse, ServedSide::dense}) {
    const bool same = side == ServedSide::dense && !result.has_recipe;
    auto known = same ? std::optional(result.sides[1]) : service.side(side);
    if (!known) return std::nullopt;
    if (side == ServedSide::sparse && !known->misfit.empty()) throw service_mistake(place, known->misfit);
    const bool asked = spec.ttft > 0 || spec.tpot > 0;
    if (asked && !same && known->capacity > 0) {
      known->goodput = service.goodput(side, *known);
      if (!known->goodput) return std::nullopt;
    }
    result.sides[static_cast<std::size_t>(side)] = std::move(*known);
  }
  for (const double rate : rates.empty() ? std::vector{service.offered_rate()} : rates) {
    RatePoint point;
    point.rate = rate;
    for (const ServedSide side : {ServedSide::dense, ServedSide::sparse}) {
      const auto index = static_cast<std::size_t>(side);
      if (!result.sides[index].misfit.empty()) continue;
      const bool same = side == ServedSide::sparse && !result.has_recipe;
      auto load = same ? std::optional(point.sides[0]) : service.load(side, rate, result.sides[index]);
      if (!load) return std::nullopt;
      point.sides[index] = std::move(*load);
    }
    result.points.push_back(std::move(point));
  }
  bool stopped = false;
  if (options.interval && result.points.size() == 1)
    result.interval = interval_of(service, result.sides, result.points.front(), result.has_recipe, stopped);
  if (stopped) return std::nullopt;
  result.fallbacks = service.fallbacks();
  return result;
}

}  // namespace sparsesim
