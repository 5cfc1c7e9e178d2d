#include "models/explore/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr double kShares = 1000;     // a range of real numbers has at least so many steps
constexpr double kWholeMost = 1e15;  // whole numbers that a double holds exactly
constexpr std::string_view kForms = "write A,B,C or FROM:TO or FROM:TO:log";

std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = std::min(text.find(':'), text.size());
    parts.emplace_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

double rounded(double value, int digits) { return std::strtod(fmt::format("{:.{}g}", value, digits).c_str(), nullptr); }

/// The largest power of ten that is at most a thousandth of the width, so that values look as a user would write them.
double decimal_step(double width) { return std::pow(10, std::floor(std::log10(width / kShares) + 1e-9)); }

}  // namespace

Axis Axis::read(const std::string& text, const std::string& path, const config::Position& place,
                config::Diagnostics& diagnostics) {
  Axis axis;
  std::vector<std::string> parts = text.find(',') == std::string::npos ? parts_of(text) : std::vector{text};
  if (parts.size() > 2 && !sweep::numeric(parts.front()) && sweep::numeric(parts[1])) {
    axis.prefix_ = parts.front() + ":";
    parts.erase(parts.begin());
  }
  std::string yaml = fmt::format("[{}]", text);
  if (parts.size() > 1 && sweep::numeric(parts[0])) {
    const bool logarithmic = parts.size() == 3 && parts[2] == "log";
    if (!sweep::numeric(parts[1]) || !(parts.size() == 2 || logarithmic)) {
      diagnostics.add(place, fmt::format("\"{}\" is neither a list nor a range", text), std::string(kForms));
      return axis;
    }
    axis.listed_ = false;
    yaml =
        fmt::format("{{from: {}, to: {}, points: 2, scale: {}}}", parts[0], parts[1], logarithmic ? "log" : "linear");
  }
  config::Diagnostics mistakes;
  const sweep::Values values = sweep::read_values(config::load_text(yaml, place.file, mistakes), path, false, mistakes);
  for (const config::Mistake& mistake : mistakes.mistakes()) diagnostics.add(place, mistake.message, mistake.hint);
  axis.list_ = values.list;
  axis.size_ = static_cast<std::int64_t>(axis.list_.size());
  if (axis.listed_ || !values.range) return axis;
  if (values.range->from >= values.range->to)
    diagnostics.add(place, "a range ends above its begin", std::string(kForms));
  else if (values.range->whole && std::max(-values.range->from, values.range->to) > kWholeMost)
    diagnostics.add(place, fmt::format("whole numbers end at {:g}", kWholeMost));
  else
    axis.set_range(*values.range);
  return axis;
}

void Axis::set_range(const sweep::ValueRange& range) {
  range_ = range;
  const double width = range.to - range.from;
  if (range.whole) {
    size_ = static_cast<std::int64_t>(width) + 1;
  } else if (range.logarithmic) {
    size_ = static_cast<std::int64_t>(kShares) + 1;
  } else {
    step_ = decimal_step(width);
    size_ = static_cast<std::int64_t>(std::ceil(width / step_ - 1e-6)) + 1;
  }
}

std::string Axis::at(std::int64_t position) const {
  if (listed_) return list_[sparsesim::at(position)];
  std::string value;
  if (range_.whole) {
    value = fmt::format("{}", static_cast<std::int64_t>(range_.from) + position);
  } else if (position == 0 || position == size_ - 1) {
    value = range_.at(position == 0 ? 0 : 1);
  } else {
    const double number = range_.logarithmic
                              ? rounded(range_.from * std::pow(range_.to / range_.from, real(position) / kShares), 6)
                              : rounded(range_.from + real(position) * step_, 12);
    value = fmt::format("{}{}{}", config::format_number(number), range_.unit.empty() ? "" : " ", range_.unit);
  }
  return prefix_ + value;
}

std::vector<std::int64_t> Axis::scan(std::int64_t points) const {
  std::vector<std::int64_t> positions;
  if (listed_) points = size_;
  const bool ratios = range_.logarithmic && range_.whole;  // other logarithmic ranges have their ratios in at()
  for (std::int64_t i = 0; i < points; ++i) {
    const double share = points > 1 ? real(i) / real(points - 1) : 0;
    const double exact =
        ratios ? range_.from * std::pow(range_.to / range_.from, share) - range_.from : share * real(size_ - 1);
    const auto position = std::clamp(static_cast<std::int64_t>(std::round(exact)), std::int64_t{0}, size_ - 1);
    if (positions.empty() || positions.back() < position) positions.push_back(position);
  }
  return positions;
}

std::vector<std::string> Axis::values() const {
  return listed_ ? list_ : std::vector<std::string>{at(0), at(size_ - 1)};
}

}  // namespace sparsesim
