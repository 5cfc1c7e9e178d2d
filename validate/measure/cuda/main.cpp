// sparsesim-cuda: kernels and microbenchmarks of GPUs.

#include "validate/measure/cuda/backend.h"
#include "validate/measure/cuda/fingerprint.h"
#include "validate/measure/harness/backend_main.h"

int main(int argc, char** argv) {
  using namespace sparsesim::measure;
  BackendProgram program;
  program.name = "sparsesim-cuda";
  program.open = [](int) { return std::make_unique<CudaBackend>(); };
  program.fingerprint = fingerprint_device;
  program.list = list_kernels;
  return backend_main(argc, argv, program);
}
