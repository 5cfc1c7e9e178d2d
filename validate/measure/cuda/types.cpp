#include "validate/measure/cuda/types.h"

#include <array>
#include <utility>

#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

// Sums in FP32 lose at most one bit of 24 per matrix step; FP8 sums on Hopper keep 14 bits (DeepSeek-V3 report,
// section 3.3.2). Operands of tf32 are drawn exact in its 11 bits.
ProductType product_type(std::string_view dtype) {
  static constexpr double kFp32Sum = 0x1p-18, kFp8Sum = 0x1p-11;
  static constexpr std::array<std::pair<std::string_view, ProductType>, 6> kTypes = {{
      {"fp32",
       {Type::fp32, Type::fp32, 4, 4, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F, 0x1p-22, kFp32Sum}},
      {"tf32",
       {Type::tf32, Type::fp32, 4, 4, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32, 0x1p-22,
        kFp32Sum}},
      {"fp16",
       {Type::fp16, Type::fp16, 2, 2, CUDA_R_16F, CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F, 0x1p-10, kFp32Sum}},
      {"bf16",
       {Type::bf16, Type::bf16, 2, 2, CUDA_R_16BF, CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F, 0x1p-7, kFp32Sum}},
      {"fp8",
       {Type::fp8, Type::bf16, 1, 2, CUDA_R_8F_E4M3, CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F, 0x1p-7, kFp8Sum}},
      {"int8", {Type::int8, Type::int32, 1, 4, CUDA_R_8I, CUDA_R_32I, CUDA_R_32I, CUBLAS_COMPUTE_32I, 0, 0x1p-40}},
  }};
  for (const auto& [name, type] : kTypes)
    if (name == dtype) return type;
  throw NotHere("no kernels for operands of type " + std::string(dtype));
}

}  // namespace sparsesim::measure
