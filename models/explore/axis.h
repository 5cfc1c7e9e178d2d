#pragma once
// The parameter along which a break-even is searched, as whole positions (docs/breakeven.md).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/reader.h"
#include "sim/sweep/values.h"

namespace sparsesim {

/// A list of values, the whole numbers of a range, or a range of real numbers in steps of at most a thousandth of it.
class Axis {
 public:
  /// `A,B,C` is a list; `FROM:TO` a range, `FROM:TO:log` one scanned in equal ratios; ends may have a unit. A name in
  /// front stays there: `zipf:0.2:1.5` runs from zipf:0.2 to zipf:1.5. `place` is where mistakes are reported.
  static Axis read(const std::string& text, const std::string& path, const config::Position& place,
                   config::Diagnostics& diagnostics);

  bool listed() const { return listed_; }
  /// Positions are 0 <= position < size().
  std::int64_t size() const { return size_; }
  /// The value as a file would hold it.
  std::string at(std::int64_t position) const;
  /// Positions, rising, from the first to the last: about `points` >= 2 of them evenly spaced, all of a list.
  std::vector<std::int64_t> scan(std::int64_t points) const;
  /// The ends, and all of a list.
  std::vector<std::string> values() const;

 private:
  void set_range(const sweep::ValueRange& range);

  bool listed_ = true;
  std::vector<std::string> list_;
  std::string prefix_;
  sweep::ValueRange range_;
  double step_ = 1;  // of a linear range
  std::int64_t size_ = 0;
};

}  // namespace sparsesim
