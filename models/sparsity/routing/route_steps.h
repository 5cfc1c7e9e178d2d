#pragma once
// Recorded routes of a whole model, step by step: which experts the tokens of each layer chose (docs/dynamic.md).

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/sparsity/routing/route_sink.h"
#include "sim/config/node.h"

namespace sparsesim {

/// Layers of a model that have experts, as its checkpoint counts them from 0, ascending.
struct RoutedLayers {
  std::vector<std::int64_t> layers;
  std::int64_t experts = 0;  // of each, at most 65536
  std::int64_t top_k = 1;    // different ones of one token
};

class RouteSteps : public RouteSink {
 public:
  explicit RouteSteps(RoutedLayers routed) : routed_(std::move(routed)) {}

  std::int64_t steps() const { return static_cast<std::int64_t>(ready_.size()); }
  /// Of a recorded step, counted from 0.
  std::int64_t tokens(std::int64_t step) const { return ready_[static_cast<std::size_t>(step)].tokens; }
  /// Tokens per expert, [experts], of a layer when `tokens` tokens take the routes of a recorded step: all of its
  /// tokens as often as they go, and of the rest a sample, the same in every layer. Sum: tokens * top_k.
  std::vector<std::int64_t> counts(std::int64_t step, std::int64_t layer, std::int64_t tokens) const;

  // What a reader puts in. Lines of one layer and step add up; without a step they are of step 0.
  Entered enter(std::int64_t layer, std::int64_t step) override;
  void next_token() override;
  std::string choose(std::int64_t expert) override;
  std::string token_problem() const override;
  std::string add(std::int64_t expert, std::int64_t tokens) override;
  /// That a layer is missing in a step, or has another number of tokens than the others.
  std::string trace_problem() const override;
  /// After the last line, where there was no mistake: makes tokens of counts without names, and draws their order.
  void finish();

 private:
  using Expert = std::uint16_t;
  struct Part {                        // of one step and layer
    std::vector<Expert> named;         // [tokens, top_k]
    std::vector<std::int64_t> counts;  // [experts] of tokens without names; empty: none
    std::int64_t unnamed() const;      // choices
    std::int64_t slots(std::int64_t top_k) const;
  };
  struct Step {
    std::int64_t tokens = 0;
    std::vector<std::vector<Expert>> experts;  // [layers][tokens, top_k], tokens in an order that was drawn
  };
  std::string too_many(std::int64_t more);

  const RoutedLayers routed_;
  std::map<std::pair<std::int64_t, std::size_t>, Part> parts_;  // (recorded step, index of the layer)
  Part* part_ = nullptr;
  std::int64_t chosen_ = 0, ids_ = 0;
  std::vector<Step> ready_;  // ascending
};

/// Reads such a trace; its extension says how. Every mistake is reported with its place; null where there is one.
/// Errors: config::ConfigError for what is no file of a known format and size.
std::shared_ptr<const RouteSteps> read_route_steps(const std::string& path, const RoutedLayers& routed,
                                                   config::Diagnostics& diagnostics);

}  // namespace sparsesim
