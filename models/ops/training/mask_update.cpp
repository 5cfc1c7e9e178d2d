#include "models/ops/training/mask_update.h"

#include <algorithm>
#include <cmath>

#include "models/ops/attention/index_passes.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"

namespace sparsesim {
namespace {

Launch lower_pass(const char* name, const Kernel& kernel, const std::string& dtype, double read, double write,
                  const Substrate& substrate) {
  StreamingCall call;
  call.name = name;
  call.kernel = kernel.name;
  call.dtype = dtype;
  call.threads = static_cast<int>(kernel_constant(kernel, "threads"));
  call.trips = kernel_constant(kernel, "trips");
  call.tasks = std::max(1.0, std::ceil(std::max(read, write) / kernel_constant(kernel, "task_bytes")));
  call.read_bytes = read / call.tasks;
  call.write_bytes = write / call.tasks;
  call.flops = call.read_bytes;  // about two comparisons per 16-bit value
  Launch launch = lower_streaming(call, substrate);
  launch.dram_share = kernel_constant(kernel, "dram_share");
  return launch;
}

}  // namespace

double place_bytes(const MaskSize& size) {
  const double stored = size.weights * size.density;
  return size.pattern == "2:4" ? stored * 2 / 8 : stored / size.unit * 4;
}

Launch lower_weight_pack(const MaskSize& size, const Substrate& substrate) {
  pass_elements(size.weights);
  const Kernel& kernel = find_kernel(substrate, "weight_pack", size.dtype, size.pattern);
  const double bytes = element_bytes(size.dtype);
  const double shared_mask = size.pattern == "2:4" && size.copies > 1 ? size.weights / 8 : 0;
  const double write = size.copies * (size.weights * size.density * bytes + place_bytes(size)) + shared_mask;
  return lower_pass("weight_pack", kernel, size.dtype, size.weights * bytes, write, substrate);
}

Launch lower_prune_and_regrow(const MaskSize& size, std::int64_t every, const Substrate& substrate) {
  pass_elements(size.weights);
  const Kernel& kernel = find_kernel(substrate, "mask_update", size.dtype, size.pattern);
  const double bytes = element_bytes(size.dtype), steps = static_cast<double>(every);
  const double passes = kernel_constant(kernel, "digit_passes");
  const double read = passes * (1 + size.density) * size.weights * bytes;
  const double write = size.copies * place_bytes(size);
  Launch launch = lower_pass("mask_update", kernel, size.dtype, read / steps, write / steps, substrate);
  // Two selections of several passes each, and the rebuild.
  launch.fixed_seconds *= (2 * passes + 1) / steps;
  return launch;
}

}  // namespace sparsesim
