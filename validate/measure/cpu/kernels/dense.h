#pragma once
// Dense products by the libraries that users call: the baselines, and the parts of grouped products.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "validate/measure/cpu/context.h"

namespace sparsesim::measure {

enum class DenseType { fp32, bf16, int8 };
/// The operand that stays the same over many calls (weights) and may be kept in a layout of the library's own.
enum class Fixed { none, left, right };

/// C[m, n] = A[m, k] B[k, n], all row-major with leading dimensions in elements (0: packed).
struct DenseShape {
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t lda = 0, ldb = 0, ldc = 0;
  DenseType type = DenseType::fp32;  // of A and B. C: fp32 of fp32, bf16 of bf16, int32 of int8
  Fixed fixed = Fixed::none;
};

/// A product made ready for one shape: run() makes no primitive, takes no memory, packs no fixed operand.
class DenseKernel {
 public:
  virtual ~DenseKernel() = default;
  /// As in the column `kernel`: "library:onednn".
  virtual std::string kernel() const = 0;
  /// What the library chose: "brg:avx512_core_amx_bf16", "SkylakeX".
  virtual std::string implementation() const = 0;
  /// Bytes of the fixed operand in the library's layout; 0 where none is fixed.
  virtual std::size_t prepared_bytes() const = 0;
  /// Writes the fixed operand (row-major, leading dimension as in the shape) in the library's layout; 64-byte aligned.
  virtual void prepare(const void* operand, void* prepared) = 0;
  /// The fixed operand is given as prepare() wrote it. Not to be called from two threads at once.
  virtual void run(const void* a, const void* b, void* c) = 0;
  /// The same product with another m (Fixed::right) or n (Fixed::left), reading the same prepared operand.
  virtual std::unique_ptr<DenseKernel> resized(std::int64_t size) const = 0;
};

/// Libraries in this build, as make_dense takes them: "onednn", "openblas".
std::vector<std::string> dense_libraries();

/// Errors: NotHere where the library is not in this build, or the processor or library cannot multiply this type.
std::unique_ptr<DenseKernel> make_dense(std::string_view library, const DenseShape& shape, const CpuContext& context);

/// fp32 | bf16 | int8. Errors: NotHere.
DenseType dense_type(const std::string& dtype);
/// Bytes of one element of A and B, and of C.
std::size_t operand_bytes(DenseType type);
std::size_t result_bytes(DenseType type);

}  // namespace sparsesim::measure
