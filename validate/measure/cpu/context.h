#pragma once
// What the kernels need to know of the processor and of how they are run.

#include <cstddef>
#include <string>

namespace sparsesim::measure {

/// The processor as this process may use it.
struct CpuContext {
  int threads = 1;                    // OpenMP threads, pinned one to a core; libraries are told the same number
  std::size_t last_cache_bytes = 0;   // operands rotate through three times as much
  std::size_t memory_bytes = 0;       // of the machine
  bool avx2 = false, avx512 = false;  // FMA included; AVX-512: F, BW, DQ, VL
  bool avx512_bf16 = false;
  bool amx_bf16 = false, amx_int8 = false;  // permission asked for and given
  std::string model;                        // "AMD EPYC 7763", as the system names it
};

/// Reads cpuid, /sys and /proc; asks for the AMX permission; pins the calling process's OpenMP threads.
/// threads  0 for one. Errors: std::invalid_argument for more threads than cores that the process may use.
CpuContext make_cpu_context(int threads);

}  // namespace sparsesim::measure
