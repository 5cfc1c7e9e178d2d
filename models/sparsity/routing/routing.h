#pragma once
// Which expert serves how many tokens: routing distributions, traces and capacity.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim {

/// A routing that cannot be read or does not fit its layer; what() says where and what instead.
struct RoutingError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How tokens choose experts.
struct Routing {
  enum class Kind { balanced, uniform, power_law, zipf, expert_choice, counts, trace };
  Kind kind = Kind::balanced;
  double exponent = 0;               // of power_law and zipf
  std::vector<std::int64_t> counts;  // of kind counts: tokens per expert
  std::string trace;                 // of kind trace: path of the file
};

/// Reads `balanced`, `uniform`, `power_law:A`, `zipf:A`, `expert_choice`, `counts:[a, b, ...]` (also with + between
/// them) or `trace:PATH`. Errors: RoutingError with the nearest correct form.
Routing parse_routing(std::string_view text);

/// Sizes that a routing must fit.
struct RoutingSize {
  std::int64_t tokens = 0;
  std::int64_t experts = 0;
  std::int64_t top_k = 0;  // different experts of one token, <= experts
};

/// How draws are made.
struct RoutingDraw {
  std::uint64_t seed = 1;
  bool expected = false;  // quantile midpoints instead of random weights: the typical draw, for means over draws
};

/// Tokens per expert, [experts].
///
/// balanced   slots dealt round robin: equal within one
/// expert_choice  every expert takes tokens * top_k / experts tokens: equal within one. A token is taken by 0 to all
///            experts. Source: Zhou et al., arXiv 2202.09368
/// uniform    every token draws top_k different experts, all alike; at most 2^24 draws
/// power_law  one weight per expert by the inverse CDF of x^-a on [1, 0.8 tokens] if tokens * top_k > experts, else on
///            [0.01, 2]; scaled to tokens * top_k, rounded, capped at `tokens`, the overflow to the emptiest
/// zipf       expert of rank r has weight r^-a; then as power_law
/// Conserved: sum = tokens * top_k and 0 <= count <= tokens. Errors: RoutingError; config::ConfigError with the
/// mistakes of a trace.
std::vector<std::int64_t> route(const Routing& routing, const RoutingSize& size, const RoutingDraw& draw);

/// Scales weights to `size.tokens * size.top_k` slots, rounds, caps at tokens and evens out what is left.
std::vector<std::int64_t> apportion(const std::vector<double>& weights, const RoutingSize& size);

/// Share of tokens that no expert takes where experts choose independently: (1 - top_k / experts)^experts, 0 where
/// every expert takes every token. Valid for many tokens.
double expected_untaken_share(const RoutingSize& size);
/// Experts that at least one of the tokens chooses.
std::int64_t distinct_experts(const std::vector<std::int64_t>& counts);

/// What a capacity limit leaves. combined + dropped = dispatched by the router.
struct Capacity {
  std::vector<std::int64_t> counts;  // tokens that each expert serves
  std::int64_t rows = 0;             // of an expert's buffer; 0: no limit
  std::int64_t dropped = 0;
};
/// Buffer of ceil(factor * tokens * top_k / experts) rows per expert, at most `tokens`; tokens beyond it are dropped.
/// factor 0 means no limit. Source: Lepikhin et al., GShard, arXiv 2006.16668, section 2.2.
Capacity apply_capacity(const std::vector<std::int64_t>& counts, const RoutingSize& size, double factor);

}  // namespace sparsesim
