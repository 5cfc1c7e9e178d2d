#include "models/ops/attention/index_passes.h"

#include <algorithm>
#include <cmath>

#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"

namespace sparsesim {
namespace {

constexpr double kIndexBytes = 4;  // lists hold 32-bit numbers, as those of PyTorch's and CUB's kernels do

StreamingCall pass_of(const Kernel& kernel, const char* name, const std::string& dtype) {
  StreamingCall call;
  call.name = name;
  call.kernel = kernel.name;
  call.dtype = dtype;
  call.threads = static_cast<int>(kernel_constant(kernel, "threads"));
  call.trips = kernel_constant(kernel, "trips");
  return call;
}

}  // namespace

Launch lower_select(std::int64_t rows, std::int64_t values, std::int64_t kept, const std::string& dtype,
                    std::string_view pattern, const Substrate& substrate) {
  StreamingCall call = pass_of(find_kernel(substrate, "select", dtype, pattern), "select", dtype);
  call.tasks = static_cast<double>(rows);
  call.read_bytes = static_cast<double>(values) * element_bytes(dtype);
  call.write_bytes = static_cast<double>(kept) * kIndexBytes;
  call.flops = 2 * static_cast<double>(values);  // one comparison and one count
  return lower_streaming(call, substrate);
}

Launch lower_compact(std::int64_t values, std::int64_t flags, std::int64_t kept, const std::string& dtype,
                     std::string_view pattern, const Substrate& substrate) {
  const Kernel& kernel = find_kernel(substrate, "compact", dtype, pattern);
  StreamingCall call = pass_of(kernel, "compact", dtype);
  const auto places = static_cast<double>(values), each = static_cast<double>(flags);
  call.tasks = std::max(1.0, std::ceil(places / kernel_constant(kernel, "values_per_task")));
  call.read_bytes = places * each * element_bytes(dtype) / call.tasks;
  call.write_bytes = static_cast<double>(kept) * kIndexBytes / call.tasks;
  call.flops = places * (each + 2) / call.tasks;  // comparisons, and the prefix sum
  return lower_streaming(call, substrate);
}

std::int64_t pass_elements(double elements) {
  require_at_most(elements, 0x1p48, "elements of a pass");
  return static_cast<std::int64_t>(elements);
}

Launch lower_gather_rows(const std::string& name, std::int64_t rows, std::int64_t elements, const std::string& dtype,
                         const Substrate& substrate) {
  const double row_bytes = static_cast<double>(elements) * element_bytes(dtype);
  return lower_elementwise({.name = name,
                            .elements = pass_elements(static_cast<double>(rows) * static_cast<double>(elements)),
                            .dtype = dtype,
                            .reads = 1 + kIndexBytes / row_bytes,
                            .writes = 1,
                            .flops_per_element = 0},
                           substrate);
}

}  // namespace sparsesim
