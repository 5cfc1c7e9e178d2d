#pragma once
// What sparse weights take in memory: their values, and what says where those stand.

#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// Bytes of the weights of one product.
struct StoredBytes {
  double values = 0, metadata = 0;
};

/// By the table of formats in docs/models/spmm.md; `format` empty: the first one of the pattern. Indices have the width
/// that `index_bits` says, or 32 bits. A mask counts as it is; drawn weights by their expected number.
StoredBytes stored_bytes(const SpmmSize& size);

/// Bytes of a stored value's place in 2:4 weights, as the sparse instructions of its type read them: two bits, four
/// with TF32, one with 4-bit values (kept in pairs). Source: PTX ISA, sparsity metadata of mma.sp.
double two_of_four_place_bytes(const std::string& type);

}  // namespace sparsesim
