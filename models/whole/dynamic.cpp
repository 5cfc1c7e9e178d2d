#include "models/whole/dynamic.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "sim/core/counts.h"
#include "sim/core/random.h"

namespace sparsesim {
namespace {

/// A stream for one token of one request. Odd constants: golden ratio and square root of 3, as fractions of 2^64.
RandomStream token_stream(std::uint64_t purpose, std::int64_t request, std::int64_t place) {
  return RandomStream(purpose + static_cast<std::uint64_t>(request) * 0x9E3779B97F4A7C15u +
                      static_cast<std::uint64_t>(place) * 0xBB67AE8584CAA73Bu);
}

/// Channels that at least one token of a step needs (docs/dynamic.md).
double needed_channels(const ModelActivity& activity, const TokenDraws& draws,
                       const std::vector<PassSequence>& tokens) {
  double sum = 0, product = 1;
  for (const PassSequence& token : tokens) {
    if (!token.generated) return 1;
    const double zeros = draws.zeros(token.request, token.keys);
    sum += zeros;
    product *= zeros;
  }
  if (tokens.empty()) return 0;
  const double mean = sum / static_cast<double>(tokens.size());
  return 1 - (activity.overlap * mean + (1 - activity.overlap) * product);
}

}  // namespace

std::vector<LayerRange> layer_ranges(const Model& model) {
  std::set<std::int64_t> starts{0};
  if (model.dynamics.exit) starts.insert(model.dynamics.exit->layers.begin(), model.dynamics.exit->layers.end());
  if (model.dynamics.tokens) starts.insert(model.dynamics.tokens->layers.begin(), model.dynamics.tokens->layers.end());
  std::vector<LayerRange> ranges;
  for (const std::int64_t start : starts) {
    if (!ranges.empty()) ranges.back().last = start - 1;
    ranges.push_back({start, model.shape.layers - 1});
  }
  return ranges;
}

TokenDraws::TokenDraws(const Model& model, std::uint64_t seed)
    : dynamics_(model.dynamics),
      layers_(model.shape.layers),
      exit_(RandomStream(seed, "dynamic.exit").bits()),
      tokens_(RandomStream(seed, "dynamic.tokens").bits()),
      activation_(RandomStream(seed, "dynamic.activation").bits()) {}

std::int64_t TokenDraws::depth(std::int64_t request, std::int64_t place) const {
  if (!dynamics_.exit) return layers_;
  double left = token_stream(exit_, request, place).uniform();
  for (std::size_t i = 0; i < dynamics_.exit->layers.size(); ++i) {
    if (left < dynamics_.exit->shares[i]) return dynamics_.exit->layers[i];
    left -= dynamics_.exit->shares[i];
  }
  return layers_;
}

std::int64_t TokenDraws::kept(std::int64_t request, std::int64_t tokens, std::int64_t layer) const {
  if (!dynamics_.tokens || tokens == 0) return tokens;
  const ModelPruning& pruning = *dynamics_.tokens;
  const double deviation = pruning.spread > 0 ? token_stream(tokens_, request, 0).normal() : 0;
  double share = 1;
  for (std::size_t i = 0; i < pruning.layers.size() && pruning.layers[i] <= layer; ++i)
    share = std::min(share, std::clamp(pruning.shares[i] * (1 + pruning.spread * deviation), 0.0, 1.0));
  return std::max<std::int64_t>(1, std::llround(share * static_cast<double>(tokens)));
}

double TokenDraws::zeros(std::int64_t request, std::int64_t place) const {
  if (!dynamics_.activation) return 0;
  const ModelActivity& activity = *dynamics_.activation;
  if (activity.spread <= 0) return activity.sparsity;
  return std::clamp(token_stream(activation_, request, place).normal(activity.sparsity, activity.spread), 0.0, 1.0);
}

RangeWork work_in_range(const Model& model, const TokenDraws& draws, const LayerRange& range,
                        std::span<const PassSequence> sequences) {
  RangeWork work;
  for (PassSequence left : sequences) {
    if (left.generated && draws.depth(left.request, left.keys) <= range.first) {
      ++work.owed;
      continue;
    }
    const std::int64_t before = left.keys - left.queries;  // tokens that are kept from earlier passes
    const std::int64_t old_prompt = std::min(before, left.prompt);
    const std::int64_t new_prompt = left.prompt - old_prompt;
    const std::int64_t all = draws.kept(left.request, left.prompt, range.first);
    const std::int64_t old = old_prompt > 0 ? std::min(all, draws.kept(left.request, old_prompt, range.first)) : 0;
    const std::int64_t fresh = new_prompt > 0 ? std::max<std::int64_t>(1, all - old) : 0;
    left.queries += fresh - new_prompt;
    left.keys = before - old_prompt + old + left.queries;
    work.tokens += left.queries;
    work.sequences.push_back(left);
  }
  if (model.dynamics.activation) work.needed = needed_channels(*model.dynamics.activation, draws, work.sequences);
  return work;
}

AttentionCall equal_call(const Model& model, std::span<const PassSequence> sequences) {
  const auto count = static_cast<double>(sequences.size());
  double queries = 0, squares = 0, scores = 0;
  for (const PassSequence& sequence : sequences) {
    const auto q = static_cast<double>(sequence.queries), k = static_cast<double>(sequence.keys);
    queries += q;
    squares += q * q;
    scores += q * (k - (q - 1) / 2);
  }
  AttentionCall call;
  call.batch = static_cast<std::int64_t>(sequences.size());
  if (model.shape.kind == ModelKind::encoder) {
    call.queries = call.keys = std::max<std::int64_t>(1, std::llround(std::sqrt(squares / count)));
    return call;
  }
  call.queries = std::max<std::int64_t>(1, std::llround(queries / count));
  const double keys = scores / queries + (static_cast<double>(call.queries) - 1) / 2;
  call.keys = std::max(call.queries, static_cast<std::int64_t>(std::llround(keys)));
  return call;
}

std::vector<PassSequence> sequences_of(const Model& model, const Pass& pass) {
  std::vector<PassSequence> sequences;
  std::int64_t request = 0;
  for (std::size_t i = 0; i < pass.calls.size(); ++i) {
    const AttentionCall& call = pass.calls[i];
    const bool generated = call.queries == 1 && model.shape.kind == ModelKind::decoder;
    const std::int64_t prompt = generated ? call.keys - 1 : call.keys;
    for (std::int64_t s = 0; s < ceil_div(call.batch, model.parallel.data); ++s)
      sequences.push_back({request++, call.queries, call.keys, prompt, generated, i});
  }
  return sequences;
}

}  // namespace sparsesim
