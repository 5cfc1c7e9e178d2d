#include "sim/sweep/design.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "sim/core/counts.h"

namespace sparsesim::sweep {

const config::Position& Parameter::place_of(const std::string& value) const {
  const auto found = std::find(values.list.begin(), values.list.end(), value);
  const auto index = static_cast<std::size_t>(found - values.list.begin());
  return place.line > 0 && index < values.places.size() ? values.places[index] : place;
}

std::vector<std::string> Design::paths() const {
  std::vector<std::string> paths;
  for (const Parameter& parameter : parameters_) paths.push_back(parameter.path);
  return paths;
}

std::vector<std::string> Design::grid_setting(std::int64_t position) const {
  std::vector<std::string> setting(parameters_.size());
  for (std::size_t p = parameters_.size(); p-- > 0;) {  // the last parameter is the fastest
    const auto& list = parameters_[p].values.list;
    const auto count = static_cast<std::int64_t>(list.size());
    setting[p] = list[at(position % count)];
    position /= count;
  }
  return setting;
}

std::vector<std::string> Design::sampled_setting(std::int64_t position) const {
  const std::vector<double> shares = sample(sampling_, parameters_.size(), seed_, position);
  std::vector<std::string> setting;
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const Values& values = parameters_[p].values;
    const auto index = static_cast<std::size_t>(shares[p] * static_cast<double>(values.list.size()));
    setting.push_back(values.range ? values.range->at(shares[p]) : values.list[index]);
  }
  return setting;
}

bool Design::accepts(const std::vector<std::string>& setting) const {
  if (conditions_.empty()) return true;
  std::vector<double> numbers;
  for (const std::string& value : setting)
    numbers.push_back(numeric(value).value_or(std::numeric_limits<double>::quiet_NaN()));
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& c) { return c.holds(numbers); });
}

std::optional<std::vector<std::string>> Design::setting(std::int64_t position) const {
  std::vector<std::string> setting = sampling_ == Sampling::grid ? grid_setting(position) : sampled_setting(position);
  return accepts(setting) ? std::optional(std::move(setting)) : std::nullopt;
}

std::int64_t Design::count() const {
  if (conditions_.empty()) return size_;
  std::int64_t count = 0;
  for (std::int64_t position = 0; position < size_; ++position) count += setting(position).has_value();
  return count;
}

std::string Design::fingerprint() const {
  std::string text = fmt::format("{} {} {}\n", static_cast<int>(sampling_), size_, seed_);
  for (const Parameter& parameter : parameters_) {
    text += fmt::format("{}: {}\n", parameter.path, fmt::join(parameter.values.list, "\n  "));
    if (sampling_ == Sampling::grid || !parameter.values.range) continue;
    text += fmt::format("  {} .. {}\n", parameter.values.range->at(0), parameter.values.range->at(1));
    text += parameter.values.range->logarithmic ? "  log\n" : "";
  }
  return text + fmt::format("{}", fmt::join(condition_texts_, "\n"));
}

}  // namespace sparsesim::sweep
