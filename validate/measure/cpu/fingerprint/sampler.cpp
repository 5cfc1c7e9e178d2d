#include "validate/measure/cpu/fingerprint/sampler.h"

#include <algorithm>

#include "validate/measure/cpu/fingerprint/team.h"
#include "validate/measure/harness/estimator.h"

namespace sparsesim::measure {
namespace {

constexpr long kMostOperations = 1L << 30;
constexpr double kLowQuantile = 0.1;

}  // namespace

void Sampler::calibrate(Item& item, Samples& samples) {
  for (long count = std::max(1L, samples.count);;) {
    double seconds = item.run(count);
    for (int i = 0; i < 2 && seconds < 20 * effort_.sample_s; ++i) seconds = std::min(seconds, item.run(count));
    samples.count = count;
    if (seconds >= 0.8 * effort_.sample_s || count >= kMostOperations) return;
    const double wanted = seconds > 0 ? 1.1 * effort_.sample_s / seconds : 16;
    count =
        std::min(kMostOperations, static_cast<long>(static_cast<double>(count) * std::clamp(wanted, 1.2, 16.0)) + 1);
  }
}

void Sampler::visit(Item& item, Samples& samples) {
  if (item.prepare) item.prepare();
  calibrate(item, samples);  // warms caches and predictors, too
  constexpr std::size_t kLeastSamples = 5;
  const double start = seconds_now();
  std::vector<double> taken;
  while (taken.size() < static_cast<std::size_t>(effort_.samples) &&
         (taken.size() < kLeastSamples || seconds_now() - start < effort_.item_s))
    taken.push_back(item.run(samples.count) / static_cast<double>(samples.count));
  samples.visits.push_back(std::move(taken));
}

void Sampler::run(const std::function<void(double, const std::string&)>& progress) {
  constexpr int kLeastVisits = 3;
  const double start = seconds_now();
  const double steps = static_cast<double>(items_.size()) * effort_.visits;
  double done = 0;
  for (int v = 0; v < effort_.visits; ++v) {
    if (v >= kLeastVisits && seconds_now() - start > effort_.budget_s * (v / (v + 1.0))) break;
    for (Item& item : items_) {
      if (v > 0 && seconds_now() - start > 1.5 * effort_.budget_s) return progress(1, "");
      progress(done++ / steps, item.curve);
      visit(item, samples_[{item.curve, item.x}]);
    }
  }
  progress(1, "");
}

Spread Sampler::at(const std::string& curve, double x) const {
  Spread spread;
  const auto found = samples_.find({curve, x});
  if (found == samples_.end()) return spread;
  std::vector<double> all, best;
  for (const auto& visit : found->second.visits) {
    best.push_back(quantile(visit, kLowQuantile));
    all.insert(all.end(), visit.begin(), visit.end());
  }
  spread.visits = static_cast<int>(best.size());
  spread.low = quantile(best, 0);
  spread.high = quantile(best, 0.5);
  spread.samples = static_cast<int>(all.size());
  spread.p50 = quantile(all, 0.5);
  spread.value = spread.low;
  return spread;
}

std::vector<double> Sampler::places(const std::string& name) const {
  std::vector<double> places;
  for (const auto& [key, samples] : samples_)
    if (key.first == name) places.push_back(key.second);
  return places;
}

std::vector<CurveEntry> Sampler::curve(const std::string& name,
                                       const std::function<double(double, double)>& convert) const {
  std::vector<CurveEntry> points;
  for (const auto& [key, samples] : samples_) {
    if (key.first != name) continue;
    std::vector<double> all;
    for (const auto& visit : samples.visits)
      for (const double seconds : visit) all.push_back(convert(key.second, seconds));
    points.push_back({key.second, quantile(all, 0.1), quantile(all, 0.5), quantile(all, 0.9)});
  }
  return points;
}

}  // namespace sparsesim::measure
