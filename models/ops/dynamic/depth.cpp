#include "models/ops/dynamic/depth.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "models/ops/dynamic/depth_passes.h"
#include "models/ops/limits.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kMostLayers = 4096;
constexpr std::int64_t kMostWidth = 1 << 20;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 31;  // of all requests: rows of a product

using Launches = std::vector<std::shared_ptr<const Launch>>;

bool has(const std::vector<std::int64_t>& layers, std::int64_t layer) {
  return std::find(layers.begin(), layers.end(), layer) != layers.end();
}

/// A stack while its layers are lowered from first to last. Equal layers and equal passes share their launches, so that
/// each is simulated once.
class StackLowering {
 public:
  StackLowering(const DepthSize& size, const LowerContext& context) : size_(size), context_(context) {}

  Program lower() {
    const TokenCounts runs = run_tokens();
    for (std::int64_t layer = 0; layer < size_.layers; ++layer) {
      const auto& lengths = runs[static_cast<std::size_t>(layer)];
      const DepthChange change = change_before(runs, layer);
      // In a batch that keeps its shape nothing is moved, and what is dropped is computed all the same.
      if (!context_.ideal.metadata) add_before(layer, change);
      if (!lengths.empty()) add_layer(lengths);
      if (context_.ideal.metadata) continue;
      if (skips(layer) && !lengths.empty())
        add(passes({4, change.tokens}, [&] { return skip_passes(size_, change, context_, true); }));
      const std::int64_t done = size_.batch - static_cast<std::int64_t>(lengths.size());
      if (size_.layer.causal && done > 0 && !size_.exit_layers.empty())
        add(passes({5, done}, [&] { return owed_keys(size_, done, context_); }));
    }
    require_at_most(static_cast<double>(program_.stages.size()), kStagesMost, "kernels of a stack of layers");
    return std::move(program_);
  }

 private:
  TokenCounts run_tokens() const {
    DepthSize size = size_;
    if (context_.ideal.padding) size.rebatch = Rebatch::compact;
    return batched_tokens(size, needed_tokens(size, context_.seed));
  }

  bool skips(std::int64_t layer) const {
    return size_.rebatch != Rebatch::none && size_.skip_every > 0 && (layer + 1) % size_.skip_every == 0;
  }

  /// From what ran before the layer to what it runs. Tokens that went round the layer before are back.
  DepthChange change_before(const TokenCounts& runs, std::int64_t layer) const {
    const auto at = static_cast<std::size_t>(layer);
    const std::int64_t all = size_.batch * size_.seq;
    DepthChange change{all, size_.batch, sum(runs[at]), static_cast<std::int64_t>(runs[at].size())};
    if (layer > 0 && size_.skip_every == 0) {
      change.ran_tokens = sum(runs[at - 1]);
      change.ran_requests = static_cast<std::int64_t>(runs[at - 1].size());
    }
    return change;
  }

  void add_before(std::int64_t layer, const DepthChange& change) {
    if (change.ran_requests == 0) return;
    if (has(size_.exit_layers, layer))
      add(passes({1, change.ran_requests, change.requests, change.tokens},
                 [&] { return exit_passes(size_, change, context_); }));
    if (has(size_.keep_layers, layer) && size_.rebatch != Rebatch::none)
      add(passes({2, change.ran_tokens, change.tokens, change.requests},
                 [&] { return keep_passes(size_, change, context_); }));
    if (skips(layer))
      add(passes({3, change.ran_tokens, change.tokens, change.requests},
                 [&] { return skip_passes(size_, change, context_, false); }));
  }

  void add_layer(const std::vector<std::int64_t>& lengths) {
    auto [entry, fresh] = layers_.try_emplace(lengths);
    if (fresh) entry->second = lower_layer(size_.layer, lengths, context_);
    add(entry->second);
  }

  template <class Make>
  const Launches& passes(const std::vector<std::int64_t>& key, const Make& make) {
    auto [entry, fresh] = passes_.try_emplace(key);
    if (fresh)
      for (Launch& launch : make()) entry->second.push_back(std::make_shared<const Launch>(std::move(launch)));
    return entry->second;
  }

  void add(const Launches& launches) {
    for (const auto& launch : launches) program_.stages.emplace_back().launch = launch;
  }

  const DepthSize& size_;
  const LowerContext& context_;
  std::map<std::vector<std::int64_t>, Launches> layers_, passes_;
  Program program_;
};

double work(const LayerSize& layer, const TokenCounts& counts) {
  double macs = 0;
  for (const auto& lengths : counts)
    for (const std::int64_t tokens : lengths) macs += tokens > 0 ? layer.macs(tokens) : 0;
  return macs;
}

DepthSize without_drops(DepthSize size) {
  size.exit_layers.clear();
  size.keep_layers.clear();
  size.skip_every = 0;
  size.rebatch = Rebatch::compact;
  return size;
}

}  // namespace

std::string_view LayerStack::pattern() const {
  if (!size_.exit_layers.empty()) return "early_exit";
  if (!size_.keep_layers.empty()) return size_.merge ? "token_merging" : "token_pruning";
  return size_.skip_every > 0 ? "mixture_of_depths" : "dense";
}

Program LayerStack::lower(const LowerContext& context) const { return StackLowering(size_, context).lower(); }

Program LayerStack::lower_dense(const LowerContext& context) const {
  const DepthSize dense = without_drops(size_);
  return StackLowering(dense, context).lower();
}

SparsitySummary LayerStack::sparsity(const LowerContext& context) const {
  const TokenCounts needed = needed_tokens(size_, context.seed);
  const double whole = static_cast<double>(size_.layers * size_.batch) * size_.layer.macs(size_.seq);
  const double left_out = whole - work(size_.layer, needed);
  if (left_out <= 0) return {};
  SparsitySummary summary;
  summary.declared = left_out / whole;
  const double skipped = whole - work(size_.layer, batched_tokens(size_, needed));
  summary.aligned_cache = summary.aligned_dispatch = std::clamp(skipped / left_out, 0.0, 1.0);
  return summary;
}

namespace {

void read_layer(config::MapReader& map, DepthSize& size) {
  static constexpr std::array<std::string_view, 2> kTypes = {"fp16", "bf16"};
  static constexpr std::array<std::string_view, 2> kPhases = {"prefill", "decode"};
  LayerSize& layer = size.layer;
  size.layers = map.integer("layers", 1, kMostLayers);
  size.batch = map.integer("batch", 1, 65536, 1);
  size.seq = map.integer("seq", 1, kLayerExtentMost);
  const bool decode = map.choice("phase", kPhases, "prefill") == "decode";
  layer.hidden = map.integer("hidden", 1, kMostWidth);
  layer.intermediate = map.integer("intermediate", 1, kMostWidth);
  layer.heads = map.integer("heads", 1, 65536);
  layer.kv_heads = map.integer("kv_heads", 1, 65536, layer.heads);
  layer.head_dim = map.integer("head_dim", 1, 1024, 128);
  layer.gated = map.boolean("gated", true);
  layer.causal = map.boolean("causal", true);
  layer.dtype = map.choice("dtype", kTypes, "fp16");
  if (layer.heads % layer.kv_heads != 0)
    map.mistake("kv_heads", fmt::format("heads ({}) must be a multiple of kv_heads ({})", layer.heads, layer.kv_heads));
  if (!decode && size.batch > kMostTokens / size.seq)
    map.mistake("batch",
                fmt::format("batch ({}) x seq ({}) is more than {} tokens", size.batch, size.seq, kMostTokens));
  if (!decode) return;
  layer.context = size.seq;
  size.seq = 1;
  if (!layer.causal) map.mistake("phase", "decode needs causal: true");
}

/// Layers after which something changes, and a share for each.
void read_steps(config::MapReader& map, const char* layers_key, const char* shares_key, const DepthSize& size,
                std::vector<std::int64_t>& layers, std::vector<double>& shares) {
  layers = map.integers(layers_key, 1, std::max<std::int64_t>(1, size.layers), kMostLayers);
  shares = map.numbers(shares_key, config::Range::between(0, 1), kMostLayers);
  if (layers.size() != shares.size())
    map.mistake(shares_key,
                fmt::format("{} layers need as many {}; found {}", layers.size(), shares_key, shares.size()));
  if (std::adjacent_find(layers.begin(), layers.end(), std::greater_equal<>()) != layers.end())
    map.mistake(layers_key, fmt::format("{} must rise", layers_key));
}

void read_drops(config::MapReader& map, DepthSize& size) {
  static constexpr std::array<std::string_view, 2> kDropped = {"pruned", "merged"};
  static constexpr std::array<std::string_view, 3> kPolicies = {"none", "compact", "pad"};
  read_steps(map, "exit_layers", "exit_shares", size, size.exit_layers, size.exit_shares);
  if (std::accumulate(size.exit_shares.begin(), size.exit_shares.end(), 0.0) > 1 + 1e-9)
    map.mistake("exit_shares", "shares of all requests cannot sum to more than 1");
  size.exit_classes = map.integer("exit_classes", 0, kMostWidth, 0);
  read_steps(map, "keep_layers", "keep_shares", size, size.keep_layers, size.keep_shares);
  size.keep_spread = map.number("keep_spread", config::Range::between(0, 1), 0);
  size.merge = map.choice("dropped", kDropped, "pruned") == "merged";
  size.skip_every = map.integer("skip_every", 0, kMostLayers, 0);
  size.skip_capacity = map.number("skip_capacity", config::Range::between(0, 1), 0.125);
  const std::string policy = map.choice("rebatch", kPolicies, "compact");
  size.rebatch = policy == "none" ? Rebatch::none : policy == "pad" ? Rebatch::pad : Rebatch::compact;
  size.pad_to = map.integer("pad_to", 1, 65536, 8);
  const int ways = !size.exit_layers.empty() + !size.keep_layers.empty() + (size.skip_every > 0);
  if (ways > 1) map.mistake("give one of exit_layers, keep_layers and skip_every");
  if (size.layer.context > 0 && (!size.keep_layers.empty() || size.skip_every > 0))
    map.mistake("phase", "in decode a request has one token: only exit_layers can leave work out");
}

}  // namespace

std::unique_ptr<Op> read_layer_stack(config::MapReader& map) {
  DepthSize size;
  const std::size_t before = map.diagnostics().mistakes().size();
  read_layer(map, size);
  read_drops(map, size);
  if (map.diagnostics().mistakes().size() != before) return nullptr;
  return std::make_unique<LayerStack>(std::move(size));
}

std::unique_ptr<Op> layer_stack_from_row(const MeasuredOp&) {
  throw UnsupportedError("layer_stack is no measured operation: measure its layers");
}

}  // namespace sparsesim
