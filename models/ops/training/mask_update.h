#pragma once
// Passes that keep sparse weights in training: new masks, and packed copies of weights that are kept densely.

#include <cstdint>
#include <string>

#include "models/compute/launch.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

enum class MaskUpdate {
  fixed,             // the mask stays
  every_step,        // the largest 2 of 4 are chosen anew in every step
  prune_and_regrow,  // every so many steps the smallest weights leave and those with the largest gradients return
};

/// Weights of a layer as the passes see them.
struct MaskSize {
  double weights = 0;   // zeros included
  double density = 1;   // share that is stored
  double unit = 1;      // weights of a stored unit
  int copies = 1;       // 2: one for each direction of the products
  std::string pattern;  // 2:4, unstructured, vector, block
  std::string dtype = "fp16";
};

/// Bytes that hold the places of the stored weights, per copy: 2 bits each for 2:4, else 4 bytes per unit.
double place_bytes(const MaskSize& size);

/// Writes packed copies of densely kept weights; for 2:4 the same pass chooses the mask (and a bit per weight is
/// written where there are two copies, whose masks must agree).
///
/// reads weights * b, writes copies * (stored * b + places)
/// Constants (docs/models/training.md): threads, trips, task_bytes, dram_share. Errors: UnsupportedError without a
/// `weight_pack` kernel for the pattern.
Launch lower_weight_pack(const MaskSize& size, const Substrate& substrate);

/// One step's share of a prune-and-regrow every `every` steps: digit by digit, thresholds of the stored weights' sizes
/// and of the gradients of all; then the new places. Bytes and calls are those of one update over `every`.
/// Constants: digit_passes, besides those above. Errors: UnsupportedError without a `mask_update` kernel.
Launch lower_prune_and_regrow(const MaskSize& size, std::int64_t every, const Substrate& substrate);

}  // namespace sparsesim
