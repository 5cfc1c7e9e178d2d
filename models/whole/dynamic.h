#pragma once
// What of a pass is left where tokens leave early, are forgotten or wake few neurons (docs/dynamic.md).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/whole/model.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// Reads the section `dynamic` of a workload's map; without one nothing is dynamic. Mistakes go to the reader's
/// diagnostics. `resolved` grows by what was read.
ModelDynamics read_dynamics(config::MapReader& top, const Model& model, std::string& resolved);

/// Layers between two decisions, counted from 0; both included.
struct LayerRange {
  std::int64_t first = 0, last = 0;
};
/// All layers in order; one range where nobody leaves on the way.
std::vector<LayerRange> layer_ranges(const Model& model);

/// A sequence's part in a pass.
struct PassSequence {
  std::int64_t request = 0;
  std::int64_t queries = 1;  // new tokens
  std::int64_t keys = 1;     // tokens that the last of them sees, itself included
  std::int64_t prompt = 0;   // of them those of the prompt: they may be forgotten
  bool generated = false;    // one token after a generated one: it may leave
  std::size_t call = 0;      // of the pass
};

/// Everything that is drawn for tokens: functions of the seed, the request and the token's place.
class TokenDraws {
 public:
  TokenDraws(const Model& model, std::uint64_t seed);
  /// Layers that a generated token runs.
  std::int64_t depth(std::int64_t request, std::int64_t place) const;
  /// Of the first `tokens` tokens of a prompt, those that layer `layer` still works on.
  std::int64_t kept(std::int64_t request, std::int64_t tokens, std::int64_t layer) const;
  /// Share of a generated token's inputs that are zero.
  double zeros(std::int64_t request, std::int64_t place) const;

 private:
  const ModelDynamics dynamics_;
  const std::int64_t layers_;
  std::uint64_t exit_ = 0, tokens_ = 0, activation_ = 0;
};

/// Who is left in a range of layers.
struct RangeWork {
  std::vector<PassSequence> sequences;  // with a query, at least
  std::int64_t tokens = 0;              // of them
  std::int64_t owed = 0;                // tokens that left and owe keys and values
  double needed = 1;                    // share of the channels that activation asks for
};
RangeWork work_in_range(const Model& model, const TokenDraws& draws, const LayerRange& range,
                        std::span<const PassSequence> sequences);

/// The sequences of one call as equal ones: of the mean number of queries, with keys that keep the number of scores.
AttentionCall equal_call(const Model& model, std::span<const PassSequence> sequences);

/// The model with its activation rule asking for this share of channels, in whatever token; itself where it has none.
Model with_needed_channels(const Model& model, double needed);

/// The model with the recorded routes of the `pass`-th pass, in turns; itself where it has none.
Model with_routes_of(const Model& model, std::uint64_t pass);

/// Ops of the layers of a range that depend on tokens alone, with the embedding before the first layer, and those of an
/// attention call there.
std::vector<ModelOp> range_token_ops(const Model& model, const LayerRange& range, std::int64_t tokens);
std::vector<ModelOp> range_attention_ops(const Model& model, const LayerRange& range, const AttentionCall& call);
/// What those who left owe to the layers of a range.
std::vector<ModelOp> owed_ops(const Model& model, const LayerRange& range, std::int64_t tokens);
/// The decisions before a range: who of `before` tokens goes on, and the copy of the `after` that do.
std::vector<ModelOp> decision_ops(const Model& model, const LayerRange& range, std::int64_t before, std::int64_t after);

/// The sequences of a pass as one replica has them.
std::vector<PassSequence> sequences_of(const Model& model, const Pass& pass);

}  // namespace sparsesim
