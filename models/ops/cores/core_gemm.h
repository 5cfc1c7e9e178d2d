#pragma once
// Dense products on cores: register tiles of a library, operands packed or not, weights from DRAM.

#include "models/ops/cores/core.h"
#include "models/ops/dense/gemm_kernels.h"

namespace sparsesim {

/// A library's loop (op `cores_gemm`): `tile` is what it keeps in registers, elements along
/// vectors and across them, and the depth of a packed block.
struct DenseLoop {
  double tile_m = 0, tile_n = 0, depth = 0;
  double rate = 1;                // of the multiply rate that the inner loop reaches
  double weight_pack_cycles = 0;  // per byte of weights copied before they are multiplied; 0: kept packed between calls
  double activation_pack_cycles = 0;
  double copies_below = 0;  // operands are copied where 1 / m + 1 / n is less, else read where they lie; 0: copied
  double direct_along = 0, direct_across = 0;  // the tile of the loop on operands where they lie; 0: as the other
  double vector_bytes = 0;                     // of the registers of its loop; 0: as wide as the machine's
  double least_m = 0;   // rows of activations from which the loop is taken; fewer: products of the gemv kind
  bool direct = false;  // operands are read where they lie
};
/// Errors: UnsupportedError for a constant that it does not know.
DenseLoop dense_loop(const Kernel& kernel);

/// What the product costs all cores together, operands cold, packing apart.
struct DenseWork {
  CoreWork pack, multiply;
};
DenseWork dense_work(const GemmSize& size, const DenseLoop& loop, const Core& core, const Ideal& ideal);

/// The call by the library that is fastest, or by the one that size.weights.kernel names.
/// Errors: UnsupportedError when no library multiplies the type.
Launch lower_cores_gemm(const GemmSize& size, const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
