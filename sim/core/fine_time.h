#pragma once
// Durations finer than a picosecond, so that a rate does not drift: 32 B at 3.35 TB/s take 9.55 ps, and rounding each
// message up would cost 4.7 % of the bandwidth.

#include <cmath>
#include <compare>
#include <cstdint>
#include <stdexcept>

#include "sim/core/error.h"
#include "sim/core/units.h"

namespace sparsesim {

/// A time or duration of ps + fraction * 2^-32 picoseconds, not negative.
struct FineTime {
  std::int64_t ps = 0;
  std::uint32_t fraction = 0;
  auto operator<=>(const FineTime&) const = default;

  constexpr FineTime() = default;
  constexpr FineTime(std::int64_t whole_ps, std::uint32_t fraction_of_ps) : ps(whole_ps), fraction(fraction_of_ps) {}
  constexpr FineTime(Time time) : ps(time.ps) {}  // implicit: every time is a fine time
  /// The first whole picosecond that is not before this time.
  constexpr Time rounded_up() const { return {ps + (fraction != 0 ? 1 : 0)}; }
};

/// Errors: SimulationError beyond 106 days.
inline FineTime operator+(FineTime a, FineTime b) {
  const std::uint64_t fraction = std::uint64_t{a.fraction} + b.fraction;
  std::int64_t ps = 0;
  const bool overflow = __builtin_add_overflow(a.ps, b.ps, &ps) ||
                        __builtin_add_overflow(ps, static_cast<std::int64_t>(fraction >> 32), &ps);
  require(!overflow, "a time beyond 106 days");
  return {ps, static_cast<std::uint32_t>(fraction)};
}

/// Rounds up to the next 2^-32 ps. Errors: std::overflow_error beyond 106 days, when negative or not a number.
inline FineTime fine_ps(double ps) {
  if (!(ps >= 0.0) || ps > 9.2e18) [[unlikely]] {
    throw std::overflow_error("a time beyond 106 days, negative or not a number");
  }
  const auto whole = static_cast<std::int64_t>(ps);
  const double fraction = std::ceil((ps - static_cast<double>(whole)) * 0x1p32);
  return fraction >= 0x1p32 ? FineTime{whole + 1, 0} : FineTime{whole, static_cast<std::uint32_t>(fraction)};
}
inline FineTime fine_transfer_time(Bytes bytes, Bandwidth bandwidth) {
  return fine_ps(static_cast<double>(bytes.count) / bandwidth.bytes_per_second * 1e12);
}
inline FineTime fine_cycle_time(Cycles cycles, Frequency frequency) {
  return fine_ps(cycles.count / frequency.hertz * 1e12);
}

}  // namespace sparsesim
