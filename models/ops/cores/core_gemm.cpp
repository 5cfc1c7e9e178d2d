#include "models/ops/cores/core_gemm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/ops/cores/core_tiles.h"
#include "models/ops/op.h"

namespace sparsesim {
namespace {

/// `tile` columns wide pieces of `extent`, the last one what is left.
template <class F>
void pieces(double extent, double tile, F&& f) {
  const double whole = std::floor(extent / tile), rest = extent - whole * tile;
  if (whole > 0) f(whole, tile);
  if (rest > 0) f(1.0, rest);
}

constexpr double kSumBytes = 4;  // fp32, of int8 int32

double register_bytes(const DenseLoop& loop, const Core& core) {
  return loop.vector_bytes > 0 ? std::min(loop.vector_bytes, core.vector_bytes) : core.vector_bytes;
}

/// What of the loop has no stream of weights beside it: rows of activations that their registers take together walk a
/// panel of weights, which the first of them has brought from memory.
void add_walks(CoreWork& work, double walks) { work.apart_cycles = work.multiply_cycles * (1 - 1 / walks); }

/// A register tile of vectors along one side and columns along the other, operands from a block in the nearest cache.
CoreWork vector_loop(double along, double across, const GemmSize& size, const DenseLoop& loop, const Core& core,
                     const Ideal& ideal) {
  const double width = register_bytes(loop, core), rate = core.multiplies(size.dtype, width) * loop.rate;
  // Short types go through dot products: a register of sums of 4 B takes pairs or fours of products at a time.
  const double deep = std::max(1.0, kSumBytes / element_bytes(size.dtype)),
               lanes = width / std::max(kSumBytes, element_bytes(size.dtype));
  const double k = static_cast<double>(size.k), depth = ideal.padding ? k / deep : std::ceil(k / deep);
  const double per_cycle = core.loads_bytes / core.vector_bytes;
  CoreWork work;
  pieces(along, loop.tile_m, [&](double tiles_along, double rows) {
    const double vectors = ideal.padding ? rows / lanes : std::ceil(rows / lanes);
    pieces(across, loop.tile_n, [&](double tiles_across, double columns) {
      const double steps = tiles_along * tiles_across * depth;
      work.multiply_cycles += steps * vectors * columns / rate;
      if (!ideal.padding) work.chain_cycles += steps * core.multiply_latency;
      work.load_cycles += steps * (vectors + columns) / per_cycle;
      work.issue_cycles += steps * (vectors * columns + vectors + columns) / core.issue;
      work.issued_macs += steps * vectors * lanes * columns * deep;
    });
  });
  return work;
}

/// Callers keep weights and activations in the order that suits the library: vectors along outputs or along rows.
/// Libraries with weights in blocks of their own have them along outputs, block by block.
CoreWork faster_vector_loop(const GemmSize& size, const DenseLoop& loop, const Core& core, const Ideal& ideal) {
  const double m = static_cast<double>(size.m), n = static_cast<double>(size.n);
  CoreWork outputs = vector_loop(n, m, size, loop, core, ideal);
  if (loop.weight_pack_cycles <= 0 && !loop.direct) {
    add_walks(outputs, std::ceil(m / loop.tile_n));
    return outputs;
  }
  const CoreWork rows = vector_loop(m, n, size, loop, core, ideal);
  return busy_cycles(rows, core) < busy_cycles(outputs, core) ? rows : outputs;
}

/// Tiles of the matrix unit: rows of weights cost their number or the floor; columns and depth are paid whole.
void add_tile_loop(CoreWork& work, const GemmSize& size, const DenseLoop& loop, const Core& core, const Ideal& ideal) {
  const TensorRate& rate = core.substrate.compute.pipes.tensor.at(size.dtype);
  const auto whole = [&](double extent, double step) {
    return ideal.padding ? extent / step : std::ceil(extent / step);
  };
  const double columns = whole(static_cast<double>(size.m), rate.step_n);
  const double depths = whole(static_cast<double>(size.k), rate.step_k);
  const double macs = rate.step_n * rate.step_k;
  const double tile_bytes = rate.step_m * rate.step_k * element_bytes(size.dtype);
  pieces(static_cast<double>(size.n), rate.step_m, [&](double tiles, double rows) {
    const double each =
        (ideal.padding ? 2 * rows * macs / rate.dense : tile_product_cycles(core, size.dtype, rows)) / loop.rate;
    work.multiply_cycles += tiles * columns * depths * each;
    work.issued_macs += tiles * columns * depths * rate.step_m * macs;
  });
  add_walks(work, std::ceil(static_cast<double>(size.m) / loop.tile_m));
  // A register block of a x b tiles loads a + b of them for a b products. Between blocks of the depth, so deep that
  // both operands' slices stay near, its sums are stored and loaded again.
  const double a = std::max(1.0, loop.tile_n / rate.step_m), b = std::max(1.0, loop.tile_m / rate.step_n);
  const double blocks = whole(static_cast<double>(size.n), rate.step_m) / a * columns / b;
  const double deep = std::min(depths, std::max(1.0, std::floor(loop.depth / rate.step_k)));
  const double sums = 2 * 4 * a * rate.step_m * b * rate.step_n * (std::ceil(depths / deep) - 1);
  const Footprint slice{1, (a + b) * tile_bytes * deep, 0};
  const double loaded = blocks * ((a + b) * tile_bytes * depths + sums);
  work.load_cycles += load_cycles(core, residence(core, slice, 0, core.cores()), loaded);
}

}  // namespace

DenseLoop dense_loop(const Kernel& kernel) {
  static constexpr std::array<std::pair<const char*, double DenseLoop::*>, 8> kNames = {{
      {"rate", &DenseLoop::rate},
      {"weight_pack_cycles", &DenseLoop::weight_pack_cycles},
      {"activation_pack_cycles", &DenseLoop::activation_pack_cycles},
      {"vector_bytes", &DenseLoop::vector_bytes},
      {"least_m", &DenseLoop::least_m},
      {"copies_below", &DenseLoop::copies_below},
      {"direct_along", &DenseLoop::direct_along},
      {"direct_across", &DenseLoop::direct_across},
  }};
  DenseLoop loop;
  loop.tile_m = std::max(1, kernel.tile_m);
  loop.tile_n = std::max(1, kernel.tile_n);
  loop.depth = std::max(1, kernel.tile_k);
  read_core_constants(kernel, kNames, loop);
  return loop;
}

namespace {

/// The loop that the library takes for a product of that size: the one on copies, or the one on operands where they
/// lie.
DenseLoop chosen_loop(const DenseLoop& loop, double m, double n) {
  DenseLoop chosen = loop;
  if (loop.copies_below <= 0 || 1 / m + 1 / n < loop.copies_below) return chosen;
  chosen.weight_pack_cycles = chosen.activation_pack_cycles = 0;
  if (loop.direct_along > 0) chosen.tile_m = loop.direct_along;
  if (loop.direct_across > 0) chosen.tile_n = loop.direct_across;
  chosen.direct = true;
  return chosen;
}

}  // namespace

DenseWork dense_work(const GemmSize& size, const DenseLoop& library, const Core& core, const Ideal& ideal) {
  const DenseLoop loop = chosen_loop(library, static_cast<double>(size.m), static_cast<double>(size.n));
  const double m = static_cast<double>(size.m), n = static_cast<double>(size.n), k = static_cast<double>(size.k);
  const double bytes = element_bytes(size.dtype);
  DenseWork work;
  CoreWork& multiply = work.multiply;
  multiply.useful_macs = m * n * k;
  multiply.result_bytes = m * n * bytes;
  const double weight_bytes = n * k * bytes * size.weights.bytes_share;
  // Fewer rows than the loop takes: each weight is loaded once for each of them, and waits for DRAM alone.
  const bool tiled = m >= loop.least_m;
  (tiled && loop.weight_pack_cycles > 0 ? work.pack : multiply).cold_bytes += weight_bytes;
  for (double socket = 0; socket < core.sockets(); ++socket)
    add_first_read(tiled && loop.activation_pack_cycles > 0 ? work.pack : multiply, m * k * bytes, 1, core);
  if (tiled)
    work.pack.load_cycles = weight_bytes * loop.weight_pack_cycles + m * k * bytes * loop.activation_pack_cycles;
  // Weights that are not copied are read in short runs a row of the matrix apart, which no prefetcher follows: the loop
  // announces them just before it needs them, so that they come at the stream's rate, but beside nothing.
  if (tiled && loop.direct) {
    multiply.serial_cycles += arrival_seconds(core, weight_bytes, core.own_distance) * core.substrate.compute.clock;
    multiply.waited_bytes += weight_bytes;
  }
  if (tiled) {
    if (has_matrix_tiles(core, size.dtype))
      add_tile_loop(multiply, size, loop, core, ideal);
    else
      multiply += faster_vector_loop(size, loop, core, ideal);
  } else {
    const double width = register_bytes(loop, core), vectors = m * n * k * bytes / width;
    multiply.load_cycles = 2 * vectors * core.vector_bytes / core.loads_bytes;
    multiply.multiply_cycles = vectors / core.multiplies(size.dtype, width);
    multiply.issued_macs = multiply.useful_macs;
  }
  return work;
}

Launch lower_cores_gemm(const GemmSize& size, const Substrate& substrate, const Ideal& ideal) {
  const Core core = core_of(substrate);
  std::vector<Launch> launches;
  for (const Kernel* kernel : core_kernels(substrate, "cores_gemm", size.weights.pattern, size.dtype,
                                           size.library.empty() ? size.weights.kernel : size.library)) {
    const DenseWork work = dense_work(size, dense_loop(*kernel), core, ideal);
    std::vector<CoreWork> tasks;
    const auto cores = static_cast<std::size_t>(core.cores());
    if (work.pack != CoreWork{}) tasks.assign(cores, (1 / core.cores()) * work.pack);
    tasks.insert(tasks.end(), cores, (1 / core.cores()) * work.multiply);
    launches.push_back(core_launch("gemm", *kernel, size.dtype, tasks, false, substrate));
  }
  return fastest_launch(std::move(launches), substrate, ideal);
}

}  // namespace sparsesim
