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

/// Operations of one block: loops round their count up to whole blocks.
inline constexpr long kBlock = 64;

/// clock_scalar, clock_vector, clock_zeros (s per cycle), fma (s per vector multiply-add), fma_all (all cores),
/// exponential (s per element), branch_never, branch_random, rows_fixed, rows_random, tile_rows (by rows of A), ...
void add_compute_items(Bench& bench, Sampler& sampler);

/// read, read_all, write, write_all, write_past (by footprint in B, s per B); latency (by footprint, s per load);
/// random_SET (by contiguous B, s per access); conflict_lines (by lines at a stride of 4 KB);
/// conflict_lines_far (by lines at a stride of 128 KB); conflict_stride (by stride, 64 lines); gather (by footprint,
/// s per element); overlap_SET (by multiply-adds per line, s per line); retention (by wait in s, s per B).
void add_memory_items(Bench& bench, Sampler& sampler);

/// region, barrier, chunk_empty, chunk_static, chunk_dynamic (s each), thread_start, message (by bytes, s one way),
/// copy (by bytes, s per B read from another core's cache).
void add_thread_items(Bench& bench, Sampler& sampler);

/// call_LIBRARY (s of a product 1x1x1), product_TYPE_LIBRARY (by m = n = k), steps_m_, steps_n_, steps_k_LIBRARY (s of
/// a call, one side growing).
void add_library_items(Bench& bench, Sampler& sampler);

/// Libraries that are linked, with their versions.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace sparsesim::measure
