#pragma once
// Kernels that do one thing the machine charges for.

#include <cuda_runtime_api.h>

#include <cstdint>

namespace sparsesim::measure {

/// CTAs that end at once.
cudaError_t empty_grid(std::int64_t ctas, int threads, cudaStream_t stream);
/// CTAs that each wait `cycles` of their SM's clock; `shared_bytes` keeps others off their SM.
cudaError_t spin_grid(int ctas, std::int64_t cycles, int shared_bytes, cudaStream_t stream);
/// `rounds` barriers over `ctas` CTAs of one warp, all resident at once.
cudaError_t sync_grid(int ctas, int rounds, cudaStream_t stream);

/// One thread follows `next` for `steps` steps from element `start`, through L1 or past it. cycles[0]: of all steps.
/// With `log`, log[i] is the cycles of step i (two clock reads included).
struct Chase {
  const std::uint32_t* next = nullptr;
  std::uint32_t start = 0;
  std::int32_t steps = 0;
  bool through_l1 = false;
  std::int64_t* cycles = nullptr;
  std::uint32_t* log = nullptr;
};
cudaError_t chase(const Chase& chase, cudaStream_t stream);

/// On SM `unit`, one thread reads an element (which holds 0) `rounds` times past L1, each read waiting for the last.
/// cycles[unit]: of one read, the fastest of several tries. As many CTAs as SMs, an SM each by `shared_bytes`; those of
/// other SMs end at once.
cudaError_t line_latency(const std::uint32_t* element, int unit, int ctas, int rounds, int shared_bytes, float* cycles,
                         cudaStream_t stream);

/// Reads `bytes` (a multiple of 16) `repeats` times by `ctas` CTAs of 512 threads, past L1 or through it (then each CTA
/// reads its own share of 16 KiB).
cudaError_t read_all(const void* data, std::int64_t bytes, int repeats, int ctas, bool own_share, std::uint32_t* sink,
                     cudaStream_t stream);
/// Writes `bytes` (a multiple of 16) once.
cudaError_t write_all(void* data, std::int64_t bytes, int ctas, cudaStream_t stream);
/// Reads the first `take` bytes of every `stride` bytes (32, 64 or 128 of 32 to 4096).
cudaError_t read_strided(const void* data, std::int64_t bytes, int take, int stride, int ctas, std::uint32_t* sink,
                         cudaStream_t stream);
/// Reads `count` granules of `granule` bytes (a power of two, 4 to 4096) at random places, aligned to their size. Bytes
/// of the table over granule is at most 2^32.
cudaError_t gather_granules(const void* data, std::int64_t bytes, int granule, std::int64_t count, std::uint64_t seed,
                            int ctas, std::uint32_t* sink, cudaStream_t stream);

/// One CTA of 16 warps reads shared memory `rounds` times at lanes `stride` words apart; cycles[0]: of all.
cudaError_t bank_reads(int stride, int rounds, std::int64_t* cycles, std::uint32_t* sink, cudaStream_t stream);
/// One CTA of `warps` warps issues `rounds` * 8 mma.m16n8k16 (bf16) each; cycles[0]: of all.
cudaError_t matrix_steps(int warps, int rounds, std::int64_t* cycles, float* sink, cudaStream_t stream);
/// result[0] cycles and result[1] nanoseconds over at least `nanoseconds` on one SM.
cudaError_t compare_clocks(std::int64_t nanoseconds, std::int64_t* result, cudaStream_t stream);

}  // namespace sparsesim::measure
