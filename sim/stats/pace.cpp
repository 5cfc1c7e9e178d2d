#include "sim/stats/pace.h"

#include <fmt/format.h>

#include <cmath>

namespace sparsesim {

void Pace::add(double seconds, std::int64_t done) {
  now_ = {seconds, done};
  if (marks_.empty() || seconds - marks_.back().seconds >= 1) marks_.push_back(now_);
  while (seconds - marks_.front().seconds > kWindow && marks_.size() > 1) marks_.pop_front();
}

std::optional<double> Pace::rate() const {
  if (marks_.empty()) return std::nullopt;
  const double seconds = now_.seconds - marks_.front().seconds;
  const auto items = static_cast<double>(now_.done - marks_.front().done);
  if (seconds < 1 || items <= 0) return std::nullopt;
  return items / seconds;
}

std::string Pace::text(std::int64_t left) const {
  const auto rate = this->rate();
  if (!rate) return "";
  return fmt::format("{:.{}f}/s, {} left", *rate, *rate < 10 ? 1 : 0,
                     short_duration(static_cast<double>(left) / *rate));
}

std::string short_duration(double seconds) {
  constexpr double kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  if (seconds < 100 * kMinute) return fmt::format("{:.0f} min", seconds / kMinute);
  const bool days = seconds >= 2 * kDay;
  const double unit = days ? kDay : kHour, part = days ? kHour : kMinute;
  const double whole = std::floor(seconds / unit);
  return fmt::format("{:.0f} {} {:.0f} {}", whole, days ? "d" : "h", std::floor((seconds - whole * unit) / part),
                     days ? "h" : "min");
}

}  // namespace sparsesim
