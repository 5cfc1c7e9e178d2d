#pragma once
// Which matrix kernel a library would take, and what one of its tiles costs.

#include <cstdint>
#include <string>
#include <vector>

#include "models/compute/ideal.h"
#include "models/compute/launch.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// How the weights are kept, and what that changes for a kernel that works tile by tile (docs/models/spmm.md).
struct WeightFormat {
  std::string pattern = "dense";  // kernels that take it name it
  std::string format;             // kernels that list it, besides the pattern; empty: any
  std::string operands;           // of weights and activations, as kernels list them; empty: those of the product
  std::string kernel;             // kernels whose names begin so; empty: any
  std::string quality;            // of the kernels: naive, library or tuned; empty: any but naive
  double depth_share = 1;         // of k, what a tile's main loop walks
  double bytes_share = 1;         // bytes of weights and indices over those of dense weights, of the depth walked
  double useful_share = 1;        // of the multiply-adds of the depth walked, those with a stored weight
  double unpacked_share = 0;      // as bytes_share, what decode_cycles are charged for; 0: bytes_share itself
  bool n_of_m = false;            // the matrix unit skips the zeros: multiplies at its sparse rate
  double sparse_rate = 0;         // of a further N:M pattern over the dense rate; 0: the 2:4 rate of the machine
  double issued_share = 1;        // of the multiply-adds of the depth walked, those that instructions execute
  std::int64_t columns_most = 0;  // of a tile along n: rows of weights that agree on what they walk; 0: any
  int gathers = 1;                // different choices of activations that tiles along n walk

  double unpacked() const { return unpacked_share > 0 ? unpacked_share : bytes_share; }
};

/// activations [m, k] times weights [k, n].
struct GemmSize {
  std::int64_t m = 0, n = 0, k = 0;
  std::string dtype;
  std::string accumulate = "fp32";  // type of the sums of 16-bit operands: fp32 or fp16
  WeightFormat weights = {};
  std::string library = {};  // that a measured row names, where several libraries multiply: on cores
  int layers_in_turn = 0;    // > 0: calls repeat over so many layers with weights of their own and the same activations

  std::int64_t walked_k() const;  // depth of a tile's main loop, >= 1
};

/// Whether a kernel of the library names both the pattern and the operand type.
bool takes(const Kernel& kernel, const std::string& pattern, const std::string& dtype);

/// Bytes of one element; 0.5 for int4. Throws UnsupportedError for an unknown type.
double element_bytes(const std::string& dtype);

/// Share of the dense rate at which the matrix unit adds 16-bit products up in FP32.
inline double fp32_share(const TensorRate& rate) { return rate.fp32_accumulate > 0 ? rate.fp32_accumulate.value : 1; }

/// Constants of a kernel as docs/models/gemm.md names them; those of the library's `gemm_common` entry hold unless the
/// kernel has its own.
struct GemmConstants {
  double prologue_cycles = 0;            // from the task's start to its first load
  double epilogue_cycles = 0;            // from the last multiply to the first store, and the task's exit
  double epilogue_bytes_per_cycle = 64;  // results of one unit through its scratchpad and port
  double l2_store_share = 1;             // stores of all units over L2's read bandwidth
  double step_overhead_cycles = 0;       // barriers and address arithmetic per main-loop step that hide behind nothing
  double activation_reads = 1;           // times each operand tile is read from the scratchpad per step
  double weight_reads = 1;
  double cluster = 1;           // tasks that one L2 read of the larger operand serves by multicast
  double accumulator_sets = 2;  // of a persistent worker; with one, stores delay the next tile's multiplies
  double raster_group = 8;      // tiles of m visited before the next tile of n
  double dram_share = 1;        // of the best streaming bandwidth
  double slow_start_us = 0;     // so long a call's reads reach a share of that rate only
  double slow_start_share = 1;
  double split_most = 1;          // slices of k at most
  double split_least_steps = 2;   // steps that a slice walks at least
  double split_start_us = 0;      // second kernel that adds the partial sums
  double start_us = 0;            // per call, beyond the graph node
  double whole_waves_from_k = 0;  // depth from which the library's choice counts whole waves; below, fractions
  double main_loop_choice =
      0;                     // 1: the library ranks its tiles by their main loop alone, whatever waves and edges cost
  double compiled = 0;       // 1: programs are compiled for their shapes: the plan that ends first is found beforehand
  double most_rows = 0;      // rows of activations that the kernel takes at most; 0: any
  double vector = 0;         // > 0: on the vector pipe, so many multiply-adds per lane and cycle
  double decode_cycles = 0;  // of the vector pipe per byte of compressed weights, to unpack them
  double step_decode_cycles = 0;  // the same where a barrier keeps it apart from the step's multiplies
};

/// A kernel of the library with its split of k, and what one of its tiles costs.
struct GemmPlan {
  const Kernel* kernel = nullptr;
  GemmConstants constants;
  std::int64_t tiles_m = 0, tiles_n = 0;
  int splits = 1;
  int depth = 0;                // of a main-loop step: tile_k of 16-bit operands, as many bytes of others
  int steps = 0;                // main-loop steps of the longest split
  double cycles_per_step = 0;   // of the pipe that multiplies
  double epilogue_cycles = 0;   // with the stores of a whole tile
  double activation_share = 1;  // of the operand's bytes, what a task asks L2 for itself
  double weight_share = 1;
  double result_bytes = 2;       // of one stored result
  double estimated_seconds = 0;  // closed form, for the choice only
  double counted_seconds = 0;  // the same with waves and edges, whatever main_loop_choice says: decides between equals

  double tasks() const { return static_cast<double>(tiles_m) * static_cast<double>(tiles_n) * splits; }
};

/// " (known: bf16, fp16)": operand types that kernels of the library have for an op and a pattern; empty without any.
std::string known_types(const Substrate& substrate, std::string_view op, std::string_view pattern);

/// All kernels of `substrate` that can run it with every sensible split, cheapest by the closed form first.
/// Errors: UnsupportedError when no kernel runs the type; TooLargeError when none has few enough tiles.
std::vector<GemmPlan> plan_gemm(const GemmSize& size, const Substrate& substrate, const Ideal& ideal);

/// Lowers one plan to a launch.
Launch build_gemm(const GemmSize& size, const GemmPlan& plan, const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
