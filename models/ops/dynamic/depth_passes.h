#pragma once
// What deciding and moving costs where tokens or requests drop out of a stack of layers.

#include "models/ops/dynamic/depth.h"

namespace sparsesim {

/// What happens between two layers, and around a layer that tokens go round.
struct DepthChange {
  std::int64_t ran_tokens = 0, ran_requests = 0;  // of the layer before, as the machine ran it
  std::int64_t tokens = 0, requests = 0;          // of the next one
};

/// Exit check on the last token of each request; survivors are packed where the batch changes and the host learns how
/// many there are before it issues the next layer.
std::vector<Launch> exit_passes(const DepthSize& size, const DepthChange& change, const LowerContext& context);
/// Scores of all tokens, choice of those that stay, and their packing; with `merge` similarities of two halves of the
/// tokens and sums of what is merged.
std::vector<Launch> keep_passes(const DepthSize& size, const DepthChange& change, const LowerContext& context);
/// Router scores, choice and packing before a layer that works on some tokens, and the sum into all tokens after it.
std::vector<Launch> skip_passes(const DepthSize& size, const DepthChange& change, const LowerContext& context,
                                bool after);
/// Keys and values that layers beyond their exit still owe `requests` requests of a decoder: later tokens attend to
/// them.
std::vector<Launch> owed_keys(const DepthSize& size, std::int64_t requests, const LowerContext& context);

}  // namespace sparsesim
