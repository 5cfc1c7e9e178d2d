#include "models/serving/summary.h"

#include <algorithm>
#include <cmath>

namespace sparsesim {
namespace {

constexpr double kMilliseconds = 1e3;

/// The index of the p-th percentile among `count` ascending values.
std::int64_t nearest_rank(double percent, std::int64_t count) {
  return std::max<std::int64_t>(0,
                                static_cast<std::int64_t>(std::ceil(percent / 100 * static_cast<double>(count))) - 1);
}

/// Percentiles of values that come with counts, ascending.
template <class Entries, class Value, class Count>
Percentiles weighted(const Entries& entries, Value value, Count count) {
  std::int64_t all = 0;
  double sum = 0;
  for (const auto& entry : entries) {
    all += count(entry);
    sum += value(entry) * static_cast<double>(count(entry));
  }
  if (all == 0) return {};
  const auto at = [&](double percent) {
    std::int64_t left = nearest_rank(percent, all);
    for (const auto& entry : entries) {
      if (left < count(entry)) return value(entry);
      left -= count(entry);
    }
    return 0.0;
  };
  return {sum / static_cast<double>(all), at(50), at(95), at(99)};
}

}  // namespace

Percentiles percentiles_of(std::vector<double> sample) {
  if (sample.empty()) return {};
  std::sort(sample.begin(), sample.end());
  double sum = 0;
  for (const double value : sample) sum += value;
  const auto count = static_cast<std::int64_t>(sample.size());
  const auto at = [&](double percent) { return sample[static_cast<std::size_t>(nearest_rank(percent, count))]; };
  return {sum / static_cast<double>(count), at(50), at(95), at(99)};
}

ServiceSummary summarise(const ServiceRun& run) {
  std::vector<double> wait, first, per_token, end_to_end;
  double input = 0, output = 0;
  for (const ServedRequest& request : run.requests) {
    wait.push_back(request.wait().seconds() * kMilliseconds);
    first.push_back(request.to_first_token().seconds() * kMilliseconds);
    end_to_end.push_back(request.latency().seconds() * kMilliseconds);
    if (request.output > 1)
      per_token.push_back((request.end - request.first_token).seconds() * kMilliseconds /
                          static_cast<double>(request.output - 1));
    input += static_cast<double>(request.input);
    output += static_cast<double>(request.output);
  }
  ServiceSummary summary;
  summary.wait = percentiles_of(std::move(wait));
  summary.first_token = percentiles_of(std::move(first));
  summary.per_token = percentiles_of(std::move(per_token));
  summary.end_to_end = percentiles_of(std::move(end_to_end));
  summary.gap = weighted(
      run.gaps, [](const TokenGap& gap) { return gap.gap.seconds() * kMilliseconds; },
      [](const TokenGap& gap) { return gap.count; });
  std::vector<std::pair<double, std::int64_t>> batches;
  for (std::size_t i = 0; i < run.batches.size(); ++i) batches.emplace_back(static_cast<double>(i), run.batches[i]);
  const Percentiles batch = weighted(
      batches, [](const auto& b) { return b.first; }, [](const auto& b) { return b.second; });
  summary.mean_batch = batch.mean;
  summary.p95_batch = batch.p95;
  summary.mean_in_system = run.mean_in_system;
  const double seconds = run.duration().seconds();
  if (seconds <= 0) return summary;
  summary.requests_per_second = static_cast<double>(run.requests.size()) / seconds;
  summary.tokens_per_second = (input + output) / seconds;
  summary.output_per_second = output / seconds;
  for (const Time busy : run.busy) summary.busy += busy.seconds() / seconds / static_cast<double>(run.busy.size());
  return summary;
}

double saturated_rate(const ServiceRun& run) {
  std::vector<double> ends;
  Time last_start;
  for (const ServedRequest& request : run.requests) last_start = std::max(last_start, request.start);
  for (const ServedRequest& request : run.requests) ends.push_back(request.end.seconds());
  std::sort(ends.begin(), ends.end());
  const auto until = std::upper_bound(ends.begin(), ends.end(), last_start.seconds());
  const auto from = ends.begin() + static_cast<std::ptrdiff_t>(ends.size() / 4);
  const auto whole = static_cast<double>(ends.size()) / run.duration().seconds();
  if (until - from < 2) return whole;
  double mean = 0;
  for (auto it = from; it != until; ++it) mean += *it / static_cast<double>(until - from);
  const double middle = static_cast<double>(until - from - 1) / 2;
  double covariance = 0, variance = 0;
  for (auto it = from; it != until; ++it) {
    covariance += (*it - mean) * (static_cast<double>(it - from) - middle);
    variance += (*it - mean) * (*it - mean);
  }
  return variance > 0 ? covariance / variance : whole;
}

}  // namespace sparsesim
