#include "models/ops/structured/structured_fft.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "models/ops/chain.h"
#include "models/ops/constant_bounds.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr double kComplexBytes = 8;         // two FP32 numbers
constexpr double kComplexProductFlops = 6;  // four multiplies, two adds

}  // namespace

std::int64_t next_power_of_two(std::int64_t n) {
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(1, n))));
}

double spectrum_bytes(std::int64_t length) { return kComplexBytes * (static_cast<double>(length / 2) + 1); }

double fourier_flops(std::int64_t length) { return 2.5 * static_cast<double>(length) * log2_of(length); }

double spectrum_product_flops(std::int64_t length) {
  return kComplexProductFlops * (static_cast<double>(length / 2) + 1);
}

void append_fourier(Program& program, const FourierSize& size, const Substrate& substrate) {
  const Kernel& kernel = find_kernel(substrate, "fft", "fp32", "circulant");
  const double passes =
      std::max(1.0, std::ceil(log2_of(size.length) / std::log2(constant_at_least(kernel, "longest", 2))));
  const double rows = static_cast<double>(size.rows), spectrum = spectrum_bytes(size.length);
  const double values = static_cast<double>(size.values) * element_bytes(size.dtype);
  for (double pass = 0; pass < passes; ++pass) {
    const bool first = pass == 0, last = pass + 1 == passes;
    const double reads = first && !size.inverse ? values : spectrum;
    const double writes = last && size.inverse ? values : spectrum;
    StreamingCall call;
    call.name = size.inverse ? "inverse fft" : "fft";
    call.kernel = kernel.name;
    call.dtype = "fp32";
    call.threads = static_cast<int>(kernel_constant(kernel, "threads"));
    call.trips = kernel_constant(kernel, "trips");
    call.tasks = std::max(1.0, std::ceil(rows * spectrum / constant_at_least(kernel, "task_bytes", 1)));
    call.read_bytes = rows * reads / call.tasks;
    call.write_bytes = rows * writes / call.tasks;
    call.flops = rows * fourier_flops(size.length) / passes / constant_at_least(kernel, "vector_share", kLeastShare) /
                 call.tasks;
    append(program, lower_streaming(call, substrate));
  }
}

void append_spectrum_product(Program& program, std::int64_t rows, std::int64_t length, const Substrate& substrate) {
  ElementwiseSize pass;
  pass.name = "spectrum product";
  pass.elements = rows * (length / 2 + 1) * 2;  // real and imaginary parts
  pass.dtype = "fp32";
  pass.reads = 1 + 1 / static_cast<double>(rows);  // the spectrum of the weights is read once
  pass.flops_per_element = kComplexProductFlops / 2;
  append(program, lower_elementwise(pass, substrate));
}

}  // namespace sparsesim
