// sparsesim-cpu: kernels and microbenchmarks of processors.

#include <unistd.h>

#include <cstdlib>

#include "validate/measure/cpu/backend.h"
#include "validate/measure/cpu/fingerprint/cpu_fingerprint.h"
#include "validate/measure/cpu/problems.h"
#include "validate/measure/harness/backend_main.h"

namespace {

using namespace sparsesim::measure;

bool has_avx512() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

/// Libraries read these once, when they are loaded: so they are set and the program begins anew.
///
/// OpenBLAS 0.3.21 as Debian builds it takes its Haswell kernels on processors with AVX-512 and AMX, at 0.6 of the
/// speed of its own AVX-512 ones. OpenMP threads that sleep between two calls cost 10 us each time they are woken.
void set_up_libraries(char** argv) {
  constexpr const char* kDone = "SPARSESIM_CPU_LIBRARIES_SET_UP";
  if (std::getenv(kDone) != nullptr) return;
  setenv(kDone, "1", 1);
  const std::string core = openblas_core();
  if ((core == "Haswell" || core == "Zen") && has_avx512()) setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
  setenv("OMP_WAIT_POLICY", "active", 0);
  execv("/proc/self/exe", argv);
}

std::string list_families() {
  std::string text = cpu_provenance(make_cpu_context(0)) + "\n";
  for (const ProblemFamily& family : problem_table()) text += std::string(family.op) + "\n";
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  set_up_libraries(argv);
  BackendProgram program;
  program.name = "sparsesim-cpu";
  program.open = [](int threads) { return std::make_unique<CpuBackend>(threads); };
  program.fingerprint = cpu_fingerprint;
  program.list = list_families;
  return backend_main(argc, argv, program);
}
