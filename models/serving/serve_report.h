#pragma once
// What `sparsesim serve` prints (docs/serving.md).

#include <string>

#include "models/serving/serve.h"

namespace sparsesim {

/// How much of the dense steps' time the recipe replaces, and what that alone would give.
struct ServedCoverage {
  double coverage = 0;        // share of the dense run's time, host included
  double kernel_speedup = 1;  // of the replaced part
  double amdahl = 1;          // 1 / ((1 - f) + f / s)
};
ServedCoverage coverage_of(const StepTotals& dense_run);

/// What the user measured of the answers, for each side; printed as it is, empty for none.
struct ServedQuality {
  std::string dense, sparse;
};

/// A table for people; with several rates a line for each.
std::string format_table(const ServeResult& result, const ServedQuality& quality);
/// The JSON contract of docs/serving.md.
std::string format_json(const ServeResult& result, const ServedQuality& quality);
/// One line of CSV per rate and side: what a curve of latency against load is drawn from. Cells without a figure are
/// empty; a side that does not fit has no lines.
std::string format_points(const ServeResult& result);
/// One line of CSV per request, rate and side.
std::string format_requests(const ServeResult& result);

}  // namespace sparsesim
