#pragma once
// A whole expert layer, and its dense twin, as they are measured.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "validate/measure/cuda/expert_kernels.h"
#include "validate/measure/cuda/graph_runner.h"
#include "validate/measure/cuda/grouped.h"

namespace sparsesim::measure {

/// Softmax and top-k of given logits, sort by expert, gather, gate and up, activation, down, weighted sum.
/// counts  tokens of each expert; chosen [tokens, top_k], as the logits will say
std::unique_ptr<Runner> make_expert_layer_runner(const Device& device, const ExpertLayer& layer,
                                                 std::vector<std::int64_t> counts, std::vector<std::int32_t> chosen,
                                                 GroupedWay way, std::uint64_t seed);

/// Every token through every expert: two dense products of experts * intermediate, with the activation between them.
std::unique_ptr<Runner> make_dense_layer_runner(const Device& device, const ExpertLayer& layer, std::uint64_t seed);

/// Logits [tokens, experts] whose top_k are the chosen ones: noise in [0, 1), the chosen above it by 2.
std::vector<float> logits_for(const std::vector<std::int32_t>& chosen, const ExpertLayer& layer, std::uint64_t seed);

}  // namespace sparsesim::measure
