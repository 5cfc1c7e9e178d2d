#pragma once
// What of a device's memory weights take, and how many blocks of keys and values are left.

#include <cstdint>
#include <string>

#include "models/serving/serving_spec.h"
#include "models/substrate/substrate.h"
#include "models/whole/model.h"

namespace sparsesim {

/// Bytes of the fullest device; blocks of a replica.
struct MemoryPlan {
  double capacity = 0, granted = 0;  // memory of the device, and the share of it that the service takes
  double weights = 0, metadata = 0;
  double activations = 0;  // of the largest step
  double reserved = 0;
  double kv_per_token = 0;
  double block_bytes = 0;   // on a device
  std::int64_t groups = 1;  // of devices of a replica that divide its sequences
  std::int64_t blocks = 0;
  double left() const { return granted - weights - metadata - activations - reserved; }
  double kv_bytes(std::int64_t used_blocks) const {
    return static_cast<double>(used_blocks) * block_bytes / static_cast<double>(groups);
  }
};

/// Activations are two hidden vectors and the widest vectors of a layer for every token of the largest step, and the
/// logits of all sequences in fp32; vLLM measures the same with a trial step.
MemoryPlan plan_memory(const Model& model, const ServingSpec& spec, const Substrate& substrate);

/// Blocks that a request of `tokens` kept tokens needs when nobody else is there.
std::int64_t blocks_of_request(const ServingSpec& spec, const ModelShape& shape, std::int64_t tokens);

/// Why a request of so many blocks cannot be served, with what is missing on each device; empty where it can.
std::string misfit(const MemoryPlan& plan, std::int64_t request_blocks);

}  // namespace sparsesim
