#pragma once
// What kernels that walk stored units have in common: their constants, operand types and the bytes of a unit.

#include <string>

#include "models/ops/weights/spmm.h"
#include "sim/core/counts.h"

namespace sparsesim {

/// Constants of a kernel as docs/models/spmm.md names them.
struct SpmmConstants {
  double block_n = 0;       // rows of a stored unit that the kernel is written for; 0: any
  double index_bytes = 4;   // per coordinate of a stored unit
  double coordinates = 1;   // of a stored unit: 2 where rows are named too
  double row_bytes = 4;     // per stored row of units: where it begins
  double most_rows = 0;     // rows of activations that the kernel takes at most; 0: any
  double matrix_rows = 0;   // rows of the matrix instruction, filled or not; 0: multiplies on the vector pipe
  double matrix_depth = 0;  // columns of the matrix instruction that one unit fills or not; 0: units fill it together
  double item_cycles = 0;   // issue slots of one unit per task: index, address, loads
  double byte_cycles = 0;   // per gathered or scattered byte: loads, conversions and moves through registers
  double l1_share = 1;      // of the first-level cache, what gathered rows find there
  double balanced = 0;      // 1: tasks have as many units each, whatever the rows
  double step_latency_cycles = 0;  // that a task alone takes per step at least: loads that wait for their indices
  double task_cycles = 0;          // issue slots of a task beside its units: bounds of its rows, addresses, results
  double prologue_cycles = 0;
  double epilogue_cycles = 0;
  double halves_cycles = 0;  // issue slots of a task, to add up the halves that weights of a wider type are cut into
  double dram_share = 1;
  double start_us = 0;      // per call beyond the graph node: further launches, index preparation
  double single_calls = 0;  // 1: published times are of single calls between events
  double host_us = 0;       // of a published call in a loop, what its host needs: it takes no less
};

/// Errors: UnsupportedError for a constant that sparse products do not know.
SpmmConstants spmm_constants(const Kernel& kernel);

/// "int16xint8": sparse operand in int16 against activations in int8, its halves stacked as rows of int8.
struct OperandTypes {
  std::string weights, activations;
  double halves = 1;  // rows of the matrix instruction that one row of weights takes
};
OperandTypes operand_types(const std::string& dtype);

/// Bytes of one stored weight: element_bytes, and 2 for int16. Errors: UnsupportedError for an unknown type.
double weight_bytes(const std::string& dtype);

/// Bytes of one stored unit with its coordinates, a share of fillers included: places of 8 bits count from the unit
/// before, and one further than 255 columns away stores a filler, on average p / (1 - p) of them with p = s^255.
///
/// density  share of units that are stored, 0..1
double unit_bytes(const SpmmSize& size, const SpmmConstants& constants, double density, const Ideal& ideal);

/// The launch's name, host and fixed costs; shapes and tasks are the caller's.
Launch start_spmm_launch(const SpmmSize& size, const Kernel& kernel, const SpmmConstants& constants,
                         const LowerContext& context);

/// Cycles of the pipe that multiplies `macs`: the matrix unit, or the vector pipe for kernels without.
/// Errors: UnsupportedError when the device has no rate for the type.
void add_multiplies(TaskShape& shape, const SpmmSize& size, const SpmmConstants& constants, double macs,
                    const Substrate& substrate);

}  // namespace sparsesim
