#pragma once
// Constants of kernels that a formula divides by or counts with.

#include <fmt/format.h>

#include <string>

#include "models/ops/dense/elementwise.h"

namespace sparsesim {

/// Constant `name` of a kernel, `least` or more. Errors: UnsupportedError where the library does not give it, or less.
inline double constant_at_least(const Kernel& kernel, const std::string& name, double least) {
  const double value = kernel_constant(kernel, name);
  if (value >= least) return value;
  throw UnsupportedError(fmt::format("kernel {}: {} is {}, at least {} is needed", kernel.name, name, value, least));
}

/// The least share of a rate that a kernel may claim.
inline constexpr double kLeastShare = 1e-6;

}  // namespace sparsesim
