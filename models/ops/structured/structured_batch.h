#pragma once
// A batch of equal dense products in one launch, as block-diagonal weights need it.

#include <cstdint>

#include "models/ops/dense/gemm_kernels.h"

namespace sparsesim {

/// `count` products of `size`, each with activations, weights and results of its own, by one call of the library.
///
/// The kernel is the one whose tiles suit all products together: plan_gemm of [m, k] times [k, count n] ranks them,
/// each weighed by what tiles that do not divide n waste. k is not split. With count 1 it is lower_gemm. Errors:
/// UnsupportedError when no kernel runs the type; TooLargeError beyond kTasksMost tiles.
Launch lower_batched_gemm(std::int64_t count, const GemmSize& size, const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
