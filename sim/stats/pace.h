#pragma once
// How fast a long command goes, and how long it will still take.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace sparsesim {

/// The rate of the last half minute: what was known before, or was cheaper, counts no longer than that.
class Pace {
 public:
  /// `seconds` on any clock that does not go back, and how many items were done then.
  void add(double seconds, std::int64_t done);
  /// Items per second; nothing in the first second and while nothing gets done.
  std::optional<double> rate() const;
  /// "12/s, 4 min left" for that many further items; empty where the rate is unknown.
  std::string text(std::int64_t left) const;

 private:
  struct Mark {
    double seconds = 0;
    std::int64_t done = 0;
  };
  static constexpr double kWindow = 30;  // s
  std::deque<Mark> marks_;               // a second apart
  Mark now_;
};

/// "40 s", "12 min", "3 h 5 min", "2 d 7 h".
std::string short_duration(double seconds);

}  // namespace sparsesim
