#pragma once
// What many samples of one kernel on a shared machine are worth.

#include <string>
#include <vector>

namespace sparsesim::measure {

/// Samples of one kernel, seconds per call, visit by visit.
using Visits = std::vector<std::vector<double>>;

struct Estimate {
  double p10_s = 0, p50_s = 0, p90_s = 0;  // quantiles of all samples together
  int samples = 0, visits = 0;
  double visit_spread = 1;  // largest over smallest p10 of a visit: how well the measurement repeats itself
  bool disturbed = false;
};

/// Quantile by linear interpolation between order statistics: place share * (count - 1), counted from 0.
/// sample  not empty; share in [0, 1]
double quantile(std::vector<double> sample, double share);

/// The low quantile is the estimate: on shared machines it repeats within 5 %, where the median moves by 25 %.
/// Disturbed: visits differ by more than 15 % in their p10, or the median exceeds the p10 by more than 25 %.
/// Visits without samples do not count. Errors: std::invalid_argument where there is no sample at all.
Estimate estimate(const Visits& visits);

/// For the column `note`: "p50_us=..;p90_us=..;samples=..;visits=..;visit_spread=..;disturbed=no".
std::string note_text(const Estimate& estimate);

}  // namespace sparsesim::measure
