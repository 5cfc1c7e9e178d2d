#include "models/ops/weights/spmm_twin.h"

#include <algorithm>

#include "models/ops/dense/gemm.h"
#include "models/ops/dense/scaled_weights.h"
#include "models/ops/weights/spmm_kernels.h"

namespace sparsesim {
namespace {

constexpr const char* kRowMajor = "dense_row_major";
constexpr const char* kQuantised = "dense_quantised";

double constant(const Kernel& kernel, const char* name) {
  const auto found = kernel.constants.find(name);
  return found == kernel.constants.end() ? 0.0 : found->second.value;
}

/// Types whose matrix instructions want both operands contiguous along k have kernels of their own for other layouts.
bool has_gemm(const char* pattern, const std::string& dtype, const Substrate& substrate) {
  return std::any_of(substrate.kernels.begin(), substrate.kernels.end(),
                     [&](const Kernel& kernel) { return kernel.op == "gemm" && takes(kernel, pattern, dtype); });
}

/// Mixed and 4-bit types have no dense kernel: that of the activations, in 8 bits at least.
std::string twin_type(const std::string& dtype) {
  const std::size_t cross = dtype.find('x');
  const std::string type = cross == std::string::npos ? dtype : dtype.substr(cross + 1);
  return type == "int4" ? "int8" : type;
}

}  // namespace

double host_call_seconds(const SpmmSize& size, const Kernel& kernel, const Substrate& substrate, bool chooses) {
  if (!size.timed_call || constant(kernel, "single_calls") <= 0) return 0;
  for (const Kernel& host : substrate.kernels)
    if (host.op == "host_call")
      return (constant(host, "launch_us") + (chooses ? constant(host, "library_us") : 0)) * 1e-6;
  return 0;
}

double setup_seconds(const std::string& setup, const Substrate& substrate) {
  if (setup == "none") return 0;
  for (const Kernel& host : substrate.kernels)
    if (host.op == "host_setup") return constant(host, setup == "cached" ? "cached_us" : "per_call_us") * 1e-6;
  throw UnsupportedError("the kernel library of " + substrate.name + " has no host_setup: what set-up per call costs");
}

namespace {

/// Dense weights as narrow as the sparse ones, unpacked to the type of the activations on their way to the multiply: by
/// a kernel of the library, or where it has none at no cost. Wider ones have a twin in the type of the activations.
WeightFormat narrow_weights(const SpmmSize& size, const Substrate& substrate) {
  const OperandTypes types = operand_types(size.dtype);
  const double share = weight_bytes(types.weights) / element_bytes(types.activations);
  WeightFormat format;
  if (share < 1) format.bytes_share = share;
  if (!has_gemm(kQuantised, size.dtype, substrate)) return format;
  format.pattern = kQuantised;
  format.operands = size.dtype;
  format.bytes_share = share;
  format.unpacked_share = 1;
  return format;
}

}  // namespace

Launch lower_dense_twin(const SpmmSize& size, const Kernel* timed_as, const LowerContext& context) {
  GemmSize dense{.m = size.m, .n = size.n, .k = size.k, .dtype = twin_type(size.dtype), .accumulate = size.accumulate};
  const ScaledWeights bytes{.type = "fp8", .block = 0};
  if (dense.dtype == bytes.type && !multiplies(context.substrate, bytes)) {  // unpacked, as dense layers are
    dense.dtype = "bf16";
    return lower_gemm(with_scaled_weights(dense, bytes, context.substrate), context.substrate, context.ideal);
  }
  // Published times of products by rows are beside dense ones with row-major operands; a layer keeps what suits both.
  const bool by_rows = size.timed_call && timed_as && timed_as->op == "spmm_rows";
  if (by_rows && has_gemm(kRowMajor, dense.dtype, context.substrate))
    dense.weights.pattern = kRowMajor;
  else
    dense.weights = narrow_weights(size, context.substrate);
  Launch launch = lower_gemm(dense, context.substrate, context.ideal);
  if (timed_as) launch.fixed_seconds += host_call_seconds(size, *timed_as, context.substrate, true);
  return launch;
}

}  // namespace sparsesim
