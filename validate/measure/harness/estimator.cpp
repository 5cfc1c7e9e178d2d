#include "validate/measure/harness/estimator.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace sparsesim::measure {
namespace {

constexpr double kMostVisitSpread = 1.15;
constexpr double kMostMedianExcess = 1.25;

}  // namespace

double quantile(std::vector<double> sample, double share) {
  std::sort(sample.begin(), sample.end());
  const double place = share * static_cast<double>(sample.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sample.size() - 1);
  const double part = place - static_cast<double>(below);
  return sample[below] + part * (sample[above] - sample[below]);
}

Estimate estimate(const Visits& visits) {
  Estimate out;
  std::vector<double> all, lows;
  for (const auto& visit : visits) {
    if (visit.empty()) continue;
    all.insert(all.end(), visit.begin(), visit.end());
    lows.push_back(quantile(visit, 0.1));
  }
  if (all.empty()) throw std::invalid_argument("no samples");
  out.samples = static_cast<int>(all.size());
  out.visits = static_cast<int>(lows.size());
  out.p10_s = quantile(all, 0.1);
  out.p50_s = quantile(all, 0.5);
  out.p90_s = quantile(all, 0.9);
  const auto [least, most] = std::minmax_element(lows.begin(), lows.end());
  out.visit_spread = *most / *least;
  out.disturbed = out.visit_spread > kMostVisitSpread || out.p50_s > kMostMedianExcess * out.p10_s;
  return out;
}

std::string note_text(const Estimate& e) {
  char text[160];
  std::snprintf(text, sizeof text, "p50_us=%.6g;p90_us=%.6g;samples=%d;visits=%d;visit_spread=%.3f;disturbed=%s",
                e.p50_s * 1e6, e.p90_s * 1e6, e.samples, e.visits, e.visit_spread, e.disturbed ? "yes" : "no");
  return text;
}

}  // namespace sparsesim::measure
