#pragma once
// What is timed, by subject. Each function adds the points of its curves.

#include "validate/measure/cpu/context.h"
#include "validate/measure/cpu/fingerprint/arena.h"
#include "validate/measure/cpu/fingerprint/loops.h"
#include "validate/measure/cpu/fingerprint/sampler.h"
#include "validate/measure/cpu/fingerprint/team.h"

namespace sparsesim::measure {

/// What the items work with.
struct Bench {
  const CpuContext& context;
  const VectorLoops& vectors;  // the widest there
  Arena& arena;                // at least largest_set
  Team& team;
  bool quick = false;
  std::size_t largest_set = 0;  // B, a power of two above the last cache
};

/// With all cores at work: clock_vector, clock_zeros (s per cycle), fma_all (s per vector multiply-add of a core),
/// exponential (s per element of a core). Alone: clock_scalar, fma, fma_half (AVX2 on a machine with AVX-512),
/// dot_bf16, dot_int8, instruction, addition, scalar_load (s each), branch_never, branch_random, rows_fixed,
/// rows_random, tile_rows, tile_columns, tile_depth (s per tile product).
void add_compute_items(Bench& bench, Sampler& sampler);

/// With all cores at work, by footprint of one of them: read_all, write_all (s per B of all together), latency_all (s
/// per load), gather_all (s per element of a core); write_past_all; conflict_lines (by lines at a stride of 4 KB),
/// conflict_lines_far (of 128 KB); random_all (by contiguous B, s per access of a core, from the largest set).
/// Alone: read, write, write_past, latency, gather (by footprint); random_SET (by contiguous B); conflict_stride (by
/// stride of 64 lines); overlap_SET (by multiply-adds per line, s per line); retention (by wait in ms, s per B).
void add_memory_items(Bench& bench, Sampler& sampler);

/// region, barrier, chunk_empty, chunk_static, chunk_dynamic (s each), thread_start, message (by bytes, s one way),
/// copy (by bytes, s per B read from another core's cache).
void add_thread_items(Bench& bench, Sampler& sampler);

/// call_LIBRARY (s of a product 1x1x1), product_TYPE_LIBRARY (by m = n = k), steps_m_, steps_n_, steps_k_LIBRARY (s of
/// a call, one side growing).
void add_library_items(Bench& bench, Sampler& sampler);

/// What a library's products are made of here: bytes of its registers (0: those of the machine), the processor whose
/// kernels it took, and the tile of docs/models/cores.md where another one than the base's library says ("").
struct LibraryLoop {
  int vector_bytes = 0;
  std::string kernels, tile;
};
LibraryLoop library_loop(const std::string& library);

/// Libraries that are linked, with their versions.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace sparsesim::measure
