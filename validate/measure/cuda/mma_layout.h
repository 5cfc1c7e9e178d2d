#pragma once
// Which element each lane of a warp holds in `mma.m16n8k16` and reads for `ldmatrix.x4` (PTX ISA, "Matrix Fragments for
// mma.m16n8k16" and "ldmatrix"). Host and device share it, so that tests play a warp without a GPU.

#include "validate/measure/cuda/host_device.h"

namespace sparsesim::measure {

struct Place {
  int row, column;
};

/// Where lane `lane` points ldmatrix.x4 to, for operand A [16, 16] stored by rows: registers 0..3 are a0..a3.
constexpr Place address_a(int lane) { return {lane % 16, lane / 16 * 8}; }

/// The same for two operands B [16, 8] side by side, stored by columns (that is, [n = 16, k = 16]): registers 0 and 1
/// are b0 and b1 of the first eight columns n, 2 and 3 of the second.
constexpr Place address_b_by_columns(int lane) { return {lane / 16 * 8 + lane % 8, lane / 8 % 2 * 8}; }

/// The same for B stored by rows ([k = 16, n = 16]), loaded with .trans.
constexpr Place address_b_by_rows(int lane) { return {lane / 8 % 2 * 8 + lane % 8, lane / 16 * 8}; }

/// Element `i` (0..3) of lane `lane` in the result [16, 8].
constexpr Place result_place(int lane, int i) { return {lane / 4 + i / 2 * 8, lane % 4 * 2 + i % 2}; }

/// Chunk of 16 bytes (row, first column) that thread `thread` of `threads` moves in turn `turn` of a tile whose rows
/// are `width` elements of two bytes.
constexpr Place chunk_place(int thread, int threads, int turn, int width) {
  const int chunk = turn * threads + thread, in_row = width / 8;
  return {chunk / in_row, chunk % in_row * 8};
}

}  // namespace sparsesim::measure
