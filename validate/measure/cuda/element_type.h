#pragma once
// Types of elements. What kernels include is kept small: nvcc reads it once per architecture and twice for the host.

#include <cstddef>

namespace sparsesim::measure {

enum class Type { fp32, tf32, fp16, bf16, fp8, int8, int32 };

constexpr std::size_t bytes_of(Type type) {
  switch (type) {
    case Type::fp16:
    case Type::bf16:
      return 2;
    case Type::fp8:
    case Type::int8:
      return 1;
    default:
      return 4;
  }
}

}  // namespace sparsesim::measure
