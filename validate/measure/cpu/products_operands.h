#pragma once
// Random operands of products. A value is a function of its place, so that every format and the reference agree without
// sharing storage.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "validate/measure/cpu/aligned.h"
#include "validate/measure/cpu/kernels/dense.h"
#include "validate/measure/cpu/kernels/sparse.h"

namespace sparsesim::measure {

/// Activations [k, m] times weights [n, k] give results [n, m].
struct ProductSizes {
  std::int64_t m = 1, n = 0, k = 0;
  DenseType type = DenseType::fp32;
};

/// The value at a place as its type holds it: uniform in [-1, 1); int8: whole, -127 to 127.
double random_element(DenseType type, std::uint64_t seed, std::int64_t place);
/// Writes the element whose value is exactly `value`.
void store_element(DenseType type, void* array, std::int64_t place, double value);
/// Reads a result: fp32 of fp32, bf16 of bf16, int32 of int8.
double load_result(DenseType type, const void* array, std::int64_t place);

/// Which blocks of [height, width] are there; 1 x 1 is an unstructured pattern.
struct BlockPlaces {
  std::int64_t rows = 0, columns = 0, height = 1, width = 1;
  std::vector<std::int32_t> start, column;
};

/// Exactly round((1 - sparsity) * blocks) blocks, drawn without preference.
BlockPlaces draw_blocks(std::int64_t rows, std::int64_t columns, std::int64_t height, std::int64_t width,
                        double sparsity, std::uint64_t seed);

inline constexpr std::size_t kSlack = 16;  // numbers: kernels may read a register past an array's end

/// fp32 blocks in the layout of BlockMatrix.
struct BlockWeights {
  BlockMatrix shape;
  Buffer<std::int32_t> start, column;
  Buffer<float> value;

  BlockWeights() = default;
  BlockWeights(const BlockPlaces& places, std::uint64_t seed);
  BlockMatrix view() const;
  std::size_t bytes() const { return start.bytes() + column.bytes() + value.bytes(); }
};

/// fp32 2:4 weights in the layout of TwoOfFourMatrix.
struct TwoOfFourWeights {
  TwoOfFourMatrix shape;
  Buffer<std::uint8_t> places;
  Buffer<float> value;

  TwoOfFourWeights() = default;
  TwoOfFourWeights(std::int64_t rows, std::int64_t columns, std::uint64_t seed);
  TwoOfFourMatrix view() const;
  std::size_t bytes() const { return places.bytes() + value.bytes(); }
};

/// One row of weights as the reference sees it: columns and values.
using WeightRow = std::vector<std::pair<std::int64_t, double>>;
using WeightRows = std::function<WeightRow(std::int64_t row)>;
WeightRows dense_rows(const ProductSizes& sizes, std::uint64_t seed);
WeightRows block_rows(BlockPlaces places, DenseType type, std::uint64_t seed);
WeightRows two_of_four_rows(std::int64_t columns, std::uint64_t seed);

/// Largest error of results over the tolerance of their type, on a sample of at least 4096 (all where there are no
/// more).
///
/// x        activation of input k and column m, of [0, columns)
/// y        the kernel's result of row n and column m
/// returns  max |y - reference| / (tolerance * sum |w x|), the reference in double; tolerance 1e-5 (fp32), 1e-2 (bf16),
///          0.5 / sum |w x| (int8: exact)
using ElementAt = std::function<double(std::int64_t row, std::int64_t column)>;
double product_error(const ProductSizes& sizes, const WeightRows& weights, const ElementAt& x, const ElementAt& y,
                     std::uint64_t seed);

}  // namespace sparsesim::measure
