#pragma once
// Physical quantities as types: a time cannot be added to a byte count, and a rate times a duration is a quantity.

#include <cmath>
#include <compare>
#include <cstdint>
#include <stdexcept>

namespace sparsesim {

/// A point in time or a duration: an integer count of picoseconds (int64 covers 106 days).
struct Time {
  std::int64_t ps = 0;
  auto operator<=>(const Time&) const = default;

  static constexpr Time from_ns(std::int64_t ns) { return {ns * 1000}; }
  static constexpr Time from_us(std::int64_t us) { return {us * 1'000'000}; }
  /// Rounds up, so that nothing finishes early. Errors: std::overflow_error beyond 106 days, NaN or a negative value.
  static Time from_seconds(double seconds);
  constexpr double us() const { return static_cast<double>(ps) * 1e-6; }
  constexpr double seconds() const { return static_cast<double>(ps) * 1e-12; }
};

constexpr Time operator+(Time a, Time b) { return {a.ps + b.ps}; }
constexpr Time operator-(Time a, Time b) { return {a.ps - b.ps}; }
constexpr Time operator*(Time a, std::int64_t n) { return {a.ps * n}; }
/// a + b and a * n where a long run may leave the range. Errors: std::overflow_error beyond 106 days.
Time checked_sum(Time a, Time b);
Time checked_product(Time a, std::int64_t n);
constexpr Time& operator+=(Time& a, Time b) { return a = a + b; }
constexpr double operator/(Time a, Time b) { return static_cast<double>(a.ps) / static_cast<double>(b.ps); }

struct Bytes {
  std::int64_t count = 0;
  auto operator<=>(const Bytes&) const = default;
};
constexpr Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
constexpr Bytes operator*(Bytes a, std::int64_t n) { return {a.count * n}; }
constexpr Bytes& operator+=(Bytes& a, Bytes b) { return a = a + b; }

/// Bytes per second (1 GB/s = 1e9 B/s).
struct Bandwidth {
  double bytes_per_second = 0;
  auto operator<=>(const Bandwidth&) const = default;
};
constexpr Bandwidth operator*(Bandwidth b, double factor) { return {b.bytes_per_second * factor}; }

struct Frequency {
  double hertz = 0;
  auto operator<=>(const Frequency&) const = default;
};

struct Cycles {
  double count = 0;
  auto operator<=>(const Cycles&) const = default;
};
constexpr Cycles operator+(Cycles a, Cycles b) { return {a.count + b.count}; }

/// Time to move `bytes` at `bandwidth`, rounded up. Errors: std::overflow_error when it does not fit.
Time transfer_time(Bytes bytes, Bandwidth bandwidth);
/// Time of `cycles` at `frequency`, rounded up once.
Time cycle_time(Cycles cycles, Frequency frequency);

inline Time Time::from_seconds(double seconds) {
  const double ps = std::ceil(seconds * 1e12);
  if (!(ps >= 0.0) || ps > 9.2e18) throw std::overflow_error("a time beyond 106 days, negative or not a number");
  return {static_cast<std::int64_t>(ps)};
}
inline Time checked_sum(Time a, Time b) {
  if (__builtin_add_overflow(a.ps, b.ps, &a.ps)) throw std::overflow_error("a time beyond 106 days");
  return a;
}
inline Time checked_product(Time a, std::int64_t n) {
  if (__builtin_mul_overflow(a.ps, n, &a.ps)) throw std::overflow_error("a time beyond 106 days");
  return a;
}
inline Time transfer_time(Bytes bytes, Bandwidth bandwidth) {
  return Time::from_seconds(static_cast<double>(bytes.count) / bandwidth.bytes_per_second);
}
inline Time cycle_time(Cycles cycles, Frequency frequency) {
  return Time::from_seconds(cycles.count / frequency.hertz);
}

}  // namespace sparsesim
