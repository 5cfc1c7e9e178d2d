#pragma once
// What kernels of sparse products have in common: their constants, and pieces of work put together to tasks.

#include <string>

#include "models/compute/launch.h"
#include "models/ops/chain.h"
#include "models/ops/op.h"
#include "models/ops/products/spgemm.h"

namespace sparsesim {

/// Constants of a kernel as docs/models/spgemm.md names them. Which of them a kernel reads depends on its op.
struct SpgemmConstants {
  double value_bytes = 0;    // of a stored number; 0: those of its type
  double index_bytes = 4;    // of its column
  double pointer_bytes = 4;  // of a row: where it begins
  double dram_share = 1;
  double start_us = 0;
  // of work
  double element_cycles = 1;  // of a unit, per partial product (what a merger takes in, in a tree of them)
  double fiber_cycles = 0;    // per row of B that a row of A asks for
  double row_cycles = 0;      // per row of A
  // spgemm_rows
  double passes = 1;       // over the operands: 2 where sizes are counted before
  double radix = 0;        // rows of B that are merged at a time; 0: any number
  double cache_share = 1;  // of the shared cache, what holds rows of B and unfinished results
  // spgemm_outer
  double chunk_bytes = 4;      // of a row of partial products, beside its numbers: where it is
  double fiber_trips = 0;      // reads from memory, one after the other, before a row of B can be multiplied
  double row_trips = 0;        // the same of a merge, before its first list
  double list_trips = 0;       // and for each list that it merges
  double place_cycles = 0;     // of one comparison when a list is put into the order of all
  double lists_most = 64;      // whose heads an element holds; more are merged in rounds
  double lines_in_flight = 1;  // of a merging element
  double merging_share = 1;    // of the elements, those that merge
  // spgemm_tiles
  double tile = 128;     // side of what one element multiplies
  double rows_most = 0;  // sides of what is kept at a time: rows of A, depth, columns of B
  double depth_most = 0;
  double columns_most = 0;
  double skip_cycles = 1;    // of one step of an intersection
  double segment_bytes = 8;  // of a row's or column's part in a tile
  double tile_bytes = 8;     // of a tile
  double held_share = 1;     // of the shared cache, what tiles of B may fill
};
/// Errors: UnsupportedError for a constant that sparse products do not know, and for ranges that make no sense.
SpgemmConstants spgemm_constants(const Kernel& kernel);

/// Bytes of one stored number with its column.
double entry_bytes(const SpgemmConstants& constants, const SpgemmSize& size, const Ideal& ideal);

/// Some work of one element, as it comes.
struct SpgemmPiece {
  double cycles = 0;    // in which the element works
  double wait = 0;      // cycles in which it waits for what it needs to go on
  double read = 0;      // useful bytes from memory
  double lines = 0;     // the same in whole lines
  double found = 0;     // bytes from the shared cache
  double store = 0;     // bytes written
  double products = 0;  // partial products
  double issued = 0;    // multiplications executed

  SpgemmPiece& operator+=(const SpgemmPiece& other);
};

/// Puts neighbouring pieces together until they are as much work as a task should be; a larger one is a task alone.
class SpgemmTasks {
 public:
  /// all: of the pieces that will come, their sum. About `units` x 16 tasks come of it.
  SpgemmTasks(std::string name, const Kernel& kernel, const SpgemmConstants& constants, const SpgemmSize& size,
              const SpgemmPiece& all, const LowerContext& context);
  void add(const SpgemmPiece& piece);
  Launch finish();

 private:
  /// Cycles that the piece keeps an element for, by its bytes or its work.
  double weight(const SpgemmPiece& piece) const;
  void close();

  Launch launch_;
  SpgemmPiece open_;
  double bytes_per_cycle_, weight_per_task_;
};

/// The program of one launch whose work `pieces.each(f)` goes through, twice: for its sum, and for its tasks.
template <class Pieces>
Program one_launch(Pieces& pieces, const Kernel& kernel, const SpgemmConstants& constants, const SpgemmSize& size,
                   const LowerContext& context) {
  SpgemmPiece all;
  pieces.each([&](const SpgemmPiece& piece) { all += piece; });
  SpgemmTasks tasks("spgemm", kernel, constants, size, all, context);
  pieces.each([&](const SpgemmPiece& piece) { tasks.add(piece); });
  Program program;
  append(program, tasks.finish());
  return program;
}

}  // namespace sparsesim
