#include "validate/measure/cpu/kernels/dense.h"

#ifdef SPARSESIM_HAVE_OPENMP
#include <omp.h>
#endif

#include "validate/measure/cpu/kernels/dense_libraries.h"

namespace sparsesim::measure {

namespace {

void fill_leading_dimensions(DenseShape& shape) {
  if (shape.lda == 0) shape.lda = shape.k;
  if (shape.ldb == 0) shape.ldb = shape.n;
  if (shape.ldc == 0) shape.ldc = shape.n;
}

void require_instructions(DenseType type, const CpuContext& context) {
  if (type == DenseType::bf16 && !context.avx512_bf16 && !context.amx_bf16)
    throw NotHere("this processor has no bf16 instructions");
  if (type == DenseType::int8 && !context.amx_int8 && !has_vnni())
    throw NotHere("this processor has no int8 dot products");
}

}  // namespace

bool has_vnni() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

std::vector<std::string> dense_libraries() {
  std::vector<std::string> names;
#ifdef SPARSESIM_HAVE_ONEDNN
  names.emplace_back("onednn");
#endif
#ifdef SPARSESIM_HAVE_OPENBLAS
  names.emplace_back("openblas");
#endif
  return names;
}

std::unique_ptr<DenseKernel> make_dense(std::string_view library, const DenseShape& asked, const CpuContext& context) {
  DenseShape shape = asked;
  fill_leading_dimensions(shape);
  require_instructions(shape.type, context);
#ifdef SPARSESIM_HAVE_OPENMP
  omp_set_num_threads(context.threads);
#endif
#ifdef SPARSESIM_HAVE_ONEDNN
  if (library == "onednn") return make_onednn(shape, context);
#endif
#ifdef SPARSESIM_HAVE_OPENBLAS
  if (library == "openblas") return make_openblas(shape, context);
#endif
  throw NotHere("this build has no matrix library " + std::string(library));
}

DenseType dense_type(const std::string& dtype) {
  if (dtype.empty() || dtype == "fp32") return DenseType::fp32;
  if (dtype == "bf16") return DenseType::bf16;
  if (dtype == "int8") return DenseType::int8;
  throw NotHere("processors' kernels multiply fp32, bf16 and int8, not " + dtype);
}

std::size_t operand_bytes(DenseType type) { return type == DenseType::fp32 ? 4 : type == DenseType::bf16 ? 2 : 1; }

std::size_t result_bytes(DenseType type) { return type == DenseType::bf16 ? 2 : 4; }

}  // namespace sparsesim::measure
