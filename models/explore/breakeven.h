#pragma once
// The value of a parameter at which the realised speedup crosses a target (docs/breakeven.md).

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/explore/axis.h"
#include "models/explore/study.h"

namespace sparsesim {

/// What a user writes on a command line.
struct BreakevenRequest {
  std::string substrate, workload;  // empty: given among the others
  std::string over;                 // "PATH=VALUES" as Axis::read() takes them
  std::string also;                 // "PATH=VALUES" of sweeps; empty for none
  std::vector<std::string> set;     // "PATH=VALUE"
};

/// The question: the parameters, one of which is searched, and possibly a second one.
struct BreakevenDesign {
  /// Errors: config::ConfigError with every mistake.
  static BreakevenDesign read(const BreakevenRequest& request);

  std::vector<sweep::Parameter> parameters;
  std::size_t over = 0;
  std::optional<std::size_t> also;
  Axis axis;

  const std::string& over_path() const { return parameters[over].path; }
  /// Values of the second parameter; one empty text where there is none.
  std::vector<std::string> series() const;
  /// One value per parameter.
  std::vector<std::string> setting(const std::string& series, std::int64_t position) const;
};

/// Tries the ends of the axis and each value of the other parameters once, so that a wrong one is said before a long
/// run. Errors: config::ConfigError with every mistake that stands in a value itself, or the first one where nothing
/// runs.
void check_values(const BreakevenDesign& design, Study& study);

struct BreakevenOptions {
  double target = 1;
  std::int64_t points = 17;                 // of the scan
  bool interval = true;                     // at some ten times the cost
  int threads = 0;                          // 0: one per processor
  const std::atomic<bool>* stop = nullptr;  // set: what is simulated is finished, nothing further begins
  /// Called after each item, one thread at a time.
  std::function<void(std::string_view items, std::size_t done, std::size_t total)> progress = {};
};

/// A point of the scan. Without an interval its ends are the speedup itself.
struct ScanPoint {
  std::int64_t position = 0;
  std::string value;
  std::string error;  // why there is no speedup; empty where there is one
  double speedup = 0, low = 0, high = 0;
};

struct Crossing {
  std::string pays,
      fails;  // neighbouring values: the first of which the speedup is above the target, and beside it one
  double speedup_pays = 0, speedup_fails = 0;
  bool upward = true;  // pays above, not below
  bool closed = true;  // nothing lies between the values, as far as the parameter's resolution goes
  /// Values where the ends of the speedup's interval cross; low is below high along the axis. Nothing: outside the
  /// range.
  std::optional<std::string> low, high;
};

enum class Payoff { always, never, crosses, unknown };
std::string_view name(Payoff verdict);

/// One search: the break-even values for one value of the second parameter.
struct BreakevenSeries {
  std::string also;
  Payoff verdict = Payoff::unknown;
  Payoff of_low = Payoff::unknown, of_high = Payoff::unknown;  // of the ends of the interval
  std::vector<Crossing> crossings;                             // along the axis; none for a list
  std::vector<ScanPoint> scan;
};

struct BreakevenResult {
  std::vector<BreakevenSeries> series;
  bool finished = false;  // not stopped
};

/// Scans the axis, then narrows every crossing between two points of the scan.
/// Errors: UnsupportedError where no point can be simulated at all.
BreakevenResult find_breakeven(const BreakevenDesign& design, Study& study, const BreakevenOptions& options);

/// A table for people; `rows_only` leaves out its heading and the notes below it.
std::string breakeven_table(const BreakevenDesign& design, const BreakevenOptions& options,
                            const BreakevenResult& result, bool rows_only);
/// The JSON of docs/breakeven.md.
std::string breakeven_json(const BreakevenDesign& design, const BreakevenOptions& options,
                           const BreakevenResult& result);

}  // namespace sparsesim
