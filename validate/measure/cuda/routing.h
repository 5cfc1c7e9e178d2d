#pragma once
// Which experts each token takes, drawn on the host.

#include <cstdint>
#include <string_view>
#include <vector>

namespace sparsesim::measure {

struct RoutingSize {
  std::int64_t tokens = 0, experts = 0, top_k = 1;
};

/// Tokens of each expert by the names of docs/measurements.md: `balanced`, `power_law:A`, `zipf:A`, `uniform`. They add
/// up to tokens * top_k, none above tokens. Errors: NotHere for other names and for top_k above experts.
std::vector<std::int64_t> expert_counts(std::string_view routing, const RoutingSize& size, std::uint64_t seed);

/// Deals the counts to tokens: [tokens, top_k], the experts of a token all different.
std::vector<std::int32_t> deal_experts(std::vector<std::int64_t> counts, const RoutingSize& size);

}  // namespace sparsesim::measure
