#include "validate/measure/cuda/device.h"

#include <algorithm>

namespace sparsesim::measure {
namespace {

std::string dotted(int version, int major, int minor) {
  return std::to_string(version / major) + "." + std::to_string(version % major / minor);
}

}  // namespace

DeviceMemory::DeviceMemory(std::size_t bytes) : bytes_(bytes) {
  void* data = nullptr;
  check(cudaMalloc(&data, std::max<std::size_t>(bytes, 256)));
  data_.reset(static_cast<std::byte*>(data));
}

// From pageable memory the call may return while bytes are still on their way.
void copy_to_device(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice));
  check(cudaStreamSynchronize(cudaStreamLegacy));
}

int device_count() {
  int count = 0;
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result != cudaSuccess) throw NoDevice(std::string("no GPU to measure: ") + cudaGetErrorString(result));
  if (count < 1) throw NoDevice("no GPU to measure: the driver sees none");
  return count;
}

Device::Device(int index) : index_(index) {
  const int count = device_count();
  if (index < 0 || index >= count)
    throw NoDevice("no GPU " + std::to_string(index) + ": there are " + std::to_string(count));
  check(cudaSetDevice(index));
  check(cudaGetDeviceProperties(&properties_, index));
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  workspace = DeviceMemory(std::size_t{64} << 20);
  check(cublasLtCreate(&lt));
  check(cublasCreate(&blas));
  check(cublasSetStream(blas, stream));
  const auto mode = CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;  // sums in fp32 throughout
  check(cublasSetMathMode(blas, static_cast<cublasMath_t>(mode)));
  check(cublasSetWorkspace(blas, workspace.data(), workspace.bytes()));
  check(cusparseCreate(&sparse));
  check(cusparseSetStream(sparse, stream));
}

Device::~Device() {
  if (sparse) cusparseDestroy(sparse);
  if (blas) cublasDestroy(blas);
  if (lt) cublasLtDestroy(lt);
  if (stream) cudaStreamDestroy(stream);
}

int Device::attribute(cudaDeviceAttr attribute) const {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, attribute, index_));
  return value;
}

std::size_t Device::free_bytes() const {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total));
  return free;
}

void Device::synchronize() const { check(cudaStreamSynchronize(stream)); }

std::vector<std::pair<std::string, std::string>> library_versions() {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const int blas = static_cast<int>(cublasLtGetVersion());
  int sparse[3] = {};
  for (const libraryPropertyType part : {MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL})
    check(cusparseGetProperty(part, &sparse[part]));
  return {{"CUDA driver", dotted(driver, 1000, 10)},
          {"CUDA runtime", dotted(runtime, 1000, 10)},
          {"cuBLAS", dotted(blas, 10000, 100) + "." + std::to_string(blas % 100)},
          {"cuSPARSE", std::to_string(sparse[0]) + "." + std::to_string(sparse[1]) + "." + std::to_string(sparse[2])}};
}

}  // namespace sparsesim::measure
