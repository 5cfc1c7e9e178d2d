#include "models/ops/cores/core_tiles.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/ops/dense/gemm_kernels.h"

namespace sparsesim {

TileLoop tile_loop(const Kernel& kernel) {
  static constexpr std::array<std::pair<const char*, double TileLoop::*>, 3> kNames = {{
      {"index_bytes", &TileLoop::index_bytes},
      {"row_cycles", &TileLoop::row_cycles},
      {"unit_cycles", &TileLoop::unit_cycles},
  }};
  TileLoop loop;
  read_core_constants(kernel, kNames, loop);
  return loop;
}

bool has_matrix_tiles(const Core& core, const std::string& dtype) {
  const auto& tensor = core.substrate.compute.pipes.tensor;
  const auto rate = tensor.find(dtype);
  return rate != tensor.end() && rate->second.step_m > 1 && rate->second.step_n > 1;
}

double tile_product_cycles(const Core& core, const std::string& dtype, double rows) {
  const TensorRate& rate = core.substrate.compute.pipes.tensor.at(dtype);
  return std::max(2 * rows * rate.step_n * rate.step_k / rate.dense,
                  core.substrate.compute.pipes.instruction_floor.value);
}

CoreWork tile_rows_work(const SpmmSize& size, const TileLoop& loop, const Core& core, const Ideal& ideal,
                        const SparsePart& part) {
  if (!has_matrix_tiles(core, size.dtype))
    throw UnsupportedError("no matrix tiles for " + size.dtype + " on the cores of " + core.substrate.name);
  const TensorRate& rate = core.substrate.compute.pipes.tensor.at(size.dtype);
  const double tall = rate.step_m, wide = rate.step_n, deep = rate.step_k, bytes = element_bytes(size.dtype);
  const double height = static_cast<double>(size.block_n), width = static_cast<double>(size.block_k);
  const double m = static_cast<double>(size.m);
  if (std::fmod(height, tall) != 0 || (std::fmod(width, deep) != 0 && width != deep / 2) || std::fmod(m, wide) != 0)
    throw UnsupportedError("matrix tiles take blocks in whole tiles");
  double blocks = 0;
  for (const std::int32_t count : part.counts) blocks += count;
  const double rows = static_cast<double>(part.counts.size());
  const double steps = ideal.padding ? width / deep : std::ceil(width / deep);  // half a depth costs a whole one
  const double products = blocks * height / tall * m / wide * steps;
  const double a = height >= 2 * tall ? 2 : 1, b = m >= 2 * wide ? 2 : 1;  // tiles of results together
  const double tile_bytes = tall * deep * bytes;
  CoreWork work;
  work.multiply_cycles = products * tile_product_cycles(core, size.dtype, tall);
  work.issued_macs = products * tall * wide * deep;
  work.useful_macs = blocks * height * width * m;
  // Weights are walked again for every pair of columns, activations for every pair of rows of tiles.
  const double row_blocks = rows > 0 ? blocks / rows : 0;
  const double weight_bytes = row_blocks * height * width * bytes;
  const Footprint activations{static_cast<double>(size.k) / 2, b * wide * 2 * bytes, m * 2 * bytes};
  const Residence of_weights = residence_in_turn(core, {1, weight_bytes, 0}, 0, core.cores());
  const Residence of_activations = residence(core, activations, weight_bytes, core.cores());
  work.load_cycles = load_cycles(core, of_weights, products / b * tile_bytes) +
                     load_cycles(core, of_activations, products / a * tile_bytes);
  work.shared_bytes = products / a * tile_bytes * (of_activations.shared + of_activations.dram);
  const double results = rows * height / (a * tall) * m / (b * wide);
  work.serial_cycles = results * (loop.row_cycles * a * b / 4 + row_blocks * loop.unit_cycles);
  work.cold_bytes = blocks * height * width * bytes + (ideal.metadata ? 0 : (blocks + rows) * loop.index_bytes);
  work.result_bytes = rows * height * m * bytes;
  add_first_read(work, m * static_cast<double>(size.k) * bytes, part.sharers, core);
  return work;
}

}  // namespace sparsesim
