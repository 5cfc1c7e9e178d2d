#pragma once
// A kernel as the harness sees it: name, check, and time by the monotonic clock.

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

/// A runner that says only what one call is.
class TimedRunner : public Runner {
 public:
  explicit TimedRunner(std::string kernel) : kernel_(std::move(kernel)) {}
  std::string kernel() const override { return kernel_; }
  double run(int calls) override {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  /// Runs the kernel on the next copy of the operands.
  virtual void call() = 0;
  std::string kernel_;
};

/// Results that a check looks at, at random places where a product has more.
inline constexpr std::int64_t kCheckedResults = 4096;

/// Largest difference seen, over a tolerance; what is no number is infinitely wrong.
class LargestError {
 public:
  explicit LargestError(double tolerance) : tolerance_(tolerance) {}
  void compare(double result, double reference) {
    const double error = std::abs(result - reference) / tolerance_;
    if (!(error <= largest_)) largest_ = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }
  double largest() const { return largest_; }

 private:
  double tolerance_;
  double largest_ = 0;
};

}  // namespace sparsesim::measure
