#include "models/sparsity/routing/route_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "models/sparsity/routing/routing_trace.h"
#include "sim/core/random.h"

namespace sparsesim {
namespace {

constexpr std::size_t kPartsMost = std::size_t{1} << 20;  // layers of all steps: about 150 bytes each

constexpr std::int64_t kTokensMost = std::int64_t{1} << 20;  // of a step

std::string unknown_expert(std::int64_t expert, std::int64_t experts) {
  return fmt::format("expert {} of a layer with {} (counted from 0)", expert, experts);
}

/// The order in which tokens of a step are taken where not all are: a sample of any size is a prefix.
std::vector<std::size_t> drawn_order(std::size_t tokens, std::uint64_t step) {
  std::vector<std::size_t> order(tokens);
  std::iota(order.begin(), order.end(), std::size_t{0});
  RandomStream stream(step, "routing/steps");
  for (std::size_t i = tokens; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(stream.below(static_cast<std::int64_t>(i)))]);
  return order;
}

}  // namespace

std::int64_t RouteSteps::Part::unnamed() const {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

std::int64_t RouteSteps::Part::slots(std::int64_t top_k) const {
  return static_cast<std::int64_t>(named.size()) / top_k * top_k + unnamed();
}

RouteSteps::Entered RouteSteps::enter(std::int64_t layer, std::int64_t step) {
  const auto& layers = routed_.layers;
  if (layer < 0 && layers.size() == 1) layer = layers.front();
  if (layer < 0) return {false, fmt::format("no layer here: {} layers have experts", layers.size()), Label::layer};
  const auto found = std::lower_bound(layers.begin(), layers.end(), layer);
  if (found == layers.end() || *found != layer)
    return {false, fmt::format("layer {} of the model has no experts (layers count from 0)", layer), Label::layer};
  part_ = &parts_[{std::max<std::int64_t>(0, step), static_cast<std::size_t>(found - layers.begin())}];
  if (parts_.size() > kPartsMost) return {false, fmt::format("more than {} layers of steps", kPartsMost), Label::step};
  return {};
}

std::string RouteSteps::too_many(std::int64_t more) {
  if (more > kMostTraceIds - ids_) return fmt::format("more than {} routes", kMostTraceIds);
  ids_ += more;
  return {};
}

void RouteSteps::next_token() { chosen_ = 0; }

std::string RouteSteps::choose(std::int64_t expert) {
  if (expert < 0 || expert >= routed_.experts) return unknown_expert(expert, routed_.experts);
  if (chosen_ == routed_.top_k) return fmt::format("more experts for a token than its top_k, {}", routed_.top_k);
  const auto id = static_cast<Expert>(expert);
  if (std::find(part_->named.end() - chosen_, part_->named.end(), id) != part_->named.end())
    return fmt::format("expert {} twice for one token", expert);
  part_->named.push_back(id);
  ++chosen_;
  return too_many(1);
}

std::string RouteSteps::token_problem() const {
  return chosen_ == routed_.top_k ? "" : fmt::format("{} experts for a token, top_k is {}", chosen_, routed_.top_k);
}

std::string RouteSteps::add(std::int64_t expert, std::int64_t tokens) {
  if (expert < 0 || expert >= routed_.experts) return unknown_expert(expert, routed_.experts);
  if (tokens < 0) return "fewer than no tokens";
  if (std::string problem = too_many(tokens); !problem.empty()) return problem;
  part_->counts.resize(static_cast<std::size_t>(routed_.experts));
  part_->counts[static_cast<std::size_t>(expert)] += tokens;
  return {};
}

std::string RouteSteps::trace_problem() const {
  if (parts_.empty()) return "a trace without tokens";
  for (const auto& [key, part] : parts_) {
    const std::int64_t unnamed = part.unnamed(), tokens = unnamed / routed_.top_k;
    const std::string at = fmt::format("step {}, layer {}", key.first, routed_.layers[key.second]);
    if (unnamed % routed_.top_k != 0)
      return fmt::format("{}: {} choices are no whole tokens of top_k {}", at, unnamed, routed_.top_k);
    if (part.slots(routed_.top_k) == 0) return fmt::format("{}: no tokens", at);
    if (part.slots(routed_.top_k) > kTokensMost * routed_.top_k)
      return fmt::format("{}: more than {} tokens", at, kTokensMost);
    const auto most = std::max_element(part.counts.begin(), part.counts.end());
    if (most != part.counts.end() && *most > tokens)
      return fmt::format("{}: an expert serves {} of {} tokens; each token counts once", at, *most, tokens);
  }
  for (auto it = parts_.begin(); it != parts_.end();) {
    const std::int64_t step = it->first.first, slots = it->second.slots(routed_.top_k);
    for (std::size_t layer = 0; layer < routed_.layers.size(); ++layer, ++it) {
      if (it == parts_.end() || it->first != std::pair{step, layer})
        return fmt::format("step {}: no routes of layer {}", step, routed_.layers[layer]);
      if (const std::int64_t own = it->second.slots(routed_.top_k); own != slots)
        return fmt::format("step {}: layer {} has {} tokens, layer {} has {}", step, routed_.layers[layer],
                           own / routed_.top_k, routed_.layers.front(), slots / routed_.top_k);
    }
  }
  return {};
}

void RouteSteps::finish() {
  const auto top_k = static_cast<std::size_t>(routed_.top_k);
  for (auto& [key, part] : parts_) {
    if (key.second == 0) ready_.push_back({part.slots(routed_.top_k) / routed_.top_k, {}});
    Step& step = ready_.back();
    const auto tokens = static_cast<std::size_t>(step.tokens), named = part.named.size() / top_k;
    // Tokens without names take their experts in turns: one that serves as many as there are tokens is in each once.
    part.named.resize(tokens * top_k);
    std::size_t slot = 0;
    for (std::size_t expert = 0; expert < part.counts.size(); ++expert)
      for (std::int64_t i = 0; i < part.counts[expert]; ++i, ++slot)
        part.named[(named + slot % (tokens - named)) * top_k + slot / (tokens - named)] = static_cast<Expert>(expert);
    auto& drawn = step.experts.emplace_back();
    drawn.reserve(part.named.size());
    for (const std::size_t token : drawn_order(tokens, static_cast<std::uint64_t>(key.first)))
      drawn.insert(drawn.end(), part.named.begin() + static_cast<std::ptrdiff_t>(token * top_k),
                   part.named.begin() + static_cast<std::ptrdiff_t>((token + 1) * top_k));
    part = {};
  }
  parts_.clear();
}

std::vector<std::int64_t> RouteSteps::counts(std::int64_t step, std::int64_t layer, std::int64_t tokens) const {
  const Step& recorded = ready_[static_cast<std::size_t>(step)];
  const auto index = std::lower_bound(routed_.layers.begin(), routed_.layers.end(), layer) - routed_.layers.begin();
  const std::int64_t whole = tokens / recorded.tokens, rest = tokens % recorded.tokens * routed_.top_k;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(routed_.experts));
  std::int64_t slot = 0;
  for (const Expert expert : recorded.experts[static_cast<std::size_t>(index)])
    counts[expert] += whole + (slot++ < rest ? 1 : 0);
  return counts;
}

std::shared_ptr<const RouteSteps> read_route_steps(const std::string& path, const RoutedLayers& routed,
                                                   config::Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.mistakes().size();
  auto steps = std::make_shared<RouteSteps>(routed);
  trace_format_of(path).read_all(path, routed.layers, routed.top_k, *steps, diagnostics);
  if (diagnostics.mistakes().size() > before || diagnostics.full()) return nullptr;
  steps->finish();
  return steps;
}

}  // namespace sparsesim
