// Which tokens of which request each layer works on: what is needed, and what a batch makes of it.

#include <algorithm>
#include <cmath>
#include <functional>

#include "models/ops/dynamic/depth.h"
#include "models/ops/limits.h"
#include "sim/core/counts.h"
#include "sim/core/random.h"

namespace sparsesim {
namespace {

constexpr double kEntriesMost = 1 << 22;  // of a plan: 8 bytes each, and one draw per request

/// Layers that a request runs: the draw falls into the cumulated shares, or beyond them all.
std::int64_t draw_depth(const DepthSize& size, RandomStream& random) {
  double left = random.uniform();
  for (std::size_t i = 0; i < size.exit_layers.size(); ++i) {
    if (left < size.exit_shares[i]) return size.exit_layers[i];
    left -= size.exit_shares[i];
  }
  return size.layers;
}

std::int64_t share_of(double tokens, double share) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(tokens * share - 1e-9)));
}

/// Tokens of one request at a layer (counted from 0) while it runs; `deviation` is its own, in standard deviations.
std::int64_t tokens_at(const DepthSize& size, std::int64_t layer, double deviation) {
  std::int64_t tokens = size.seq;
  for (std::size_t i = 0; i < size.keep_layers.size(); ++i)
    if (layer >= size.keep_layers[i]) {
      const double share = size.keep_shares[i] * (1 + size.keep_spread * deviation);
      tokens = std::min(tokens, share_of(static_cast<double>(size.seq), std::clamp(share, 0.0, 1.0)));
    }
  if (size.skip_every > 0 && (layer + 1) % size.skip_every == 0)
    tokens = share_of(static_cast<double>(tokens), size.skip_capacity);
  return tokens;
}

}  // namespace

TokenCounts needed_tokens(const DepthSize& size, std::uint64_t seed) {
  require_at_most(static_cast<double>(size.layers) * static_cast<double>(size.batch), kEntriesMost,
                  "requests over all layers");
  RandomStream depths(seed, "exit_depth"), spread(seed, "kept_tokens");
  TokenCounts needed(static_cast<std::size_t>(size.layers));
  for (auto& layer : needed) layer.resize(static_cast<std::size_t>(size.batch));
  for (std::size_t request = 0; request < static_cast<std::size_t>(size.batch); ++request) {
    const std::int64_t depth = draw_depth(size, depths);
    const double deviation = spread.normal();
    for (std::int64_t layer = 0; layer < depth; ++layer)
      needed[static_cast<std::size_t>(layer)][request] = tokens_at(size, layer, deviation);
  }
  return needed;
}

TokenCounts batched_tokens(const DepthSize& size, const TokenCounts& needed) {
  TokenCounts runs;
  for (std::vector<std::int64_t> lengths : needed) {
    std::erase(lengths, 0);
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
    if (size.rebatch == Rebatch::none && !lengths.empty())
      lengths.assign(static_cast<std::size_t>(size.batch), size.seq);
    if (size.rebatch == Rebatch::pad && !lengths.empty()) {
      const bool by_request = !size.exit_layers.empty();
      const std::int64_t longest = by_request ? lengths.front() : round_up(lengths.front(), size.pad_to);
      const auto count = static_cast<std::int64_t>(lengths.size());
      const std::int64_t padded = by_request ? std::min(size.batch, round_up(count, size.pad_to)) : count;
      lengths.assign(static_cast<std::size_t>(padded), std::min(size.seq, longest));
    }
    runs.push_back(std::move(lengths));
  }
  return runs;
}

}  // namespace sparsesim
