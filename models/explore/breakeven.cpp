#include "models/explore/breakeven.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/explore/crossing.h"
#include "models/ops/op.h"
#include "sim/core/counts.h"
#include "sim/core/parallel.h"

namespace sparsesim {
namespace {

/// The predicted speedup and the ends of its interval: each has crossings of its own.
enum Curve : std::size_t { predicted, pessimistic, optimistic };
constexpr std::array<double ScanPoint::*, 3> kCurves = {&ScanPoint::speedup, &ScanPoint::low, &ScanPoint::high};

/// A bracket of the scan and what became of it.
struct Search {
  std::size_t series;
  Curve curve;
  Bracket coarse, fine;
};

std::vector<Sample> samples_of(const std::vector<ScanPoint>& scan, Curve curve) {
  std::vector<Sample> samples;
  for (const ScanPoint& point : scan)
    if (point.error.empty()) samples.push_back({point.position, point.*kCurves[curve]});
  return samples;
}

Payoff verdict_of(const std::vector<Sample>& samples, double target) {
  const auto above = std::count_if(samples.begin(), samples.end(), [&](const Sample& s) { return s.value > target; });
  if (samples.empty()) return Payoff::unknown;
  if (above == 0) return Payoff::never;
  return at(above) == samples.size() ? Payoff::always : Payoff::crosses;
}

class BreakevenRun {
 public:
  BreakevenRun(const BreakevenDesign& design, Study& study, const BreakevenOptions& options)
      : design_(design), study_(study), options_(options) {}

  BreakevenResult run() {
    scan();
    if (!stopped()) narrow_all();
    result_.finished = !stopped();
    if (result_.finished) conclude();
    return std::move(result_);
  }

 private:
  bool stopped() const { return options_.stop != nullptr && *options_.stop; }

  template <class Work>
  void for_all(std::size_t count, std::string_view items, Work&& work) {
    const auto done = [&](std::size_t n) {
      if (options_.progress) options_.progress(items, n, count);
    };
    for_each_index(count, options_.threads, work, done, options_.stop);
  }

  /// What cannot be simulated is a point with an error.
  ScanPoint simulate(const std::string& series, std::int64_t position, bool interval) {
    ScanPoint point;
    point.position = position;
    point.value = design_.axis.at(position);
    try {
      const StudyPoint inputs = study_.resolve(design_.setting(series, position));
      RunOptions options;
      options.seed = inputs.workload->seed;
      options.explain = false;
      const double speedup = study_.run_point(inputs, options).realised_speedup();
      const Interval range = interval ? study_.interval_of(inputs, speedup) : Interval{speedup, speedup};
      point.speedup = speedup;
      point.low = range.low;
      point.high = range.high;
    } catch (...) {  // too long, too: on a machine at the slow end of its interval
      point.error = reason_of(std::current_exception());
    }
    return point;
  }

  void scan() {
    const std::vector<std::int64_t> positions = design_.axis.scan(options_.points);
    for (const std::string& value : design_.series()) {
      result_.series.emplace_back();
      result_.series.back().also = value;
      result_.series.back().scan.resize(positions.size());
    }
    for_all(result_.series.size() * positions.size(), "points", [&](std::size_t i) {
      BreakevenSeries& series = result_.series[i / positions.size()];
      const std::size_t n = i % positions.size();
      series.scan[n] = simulate(series.also, positions[n], options_.interval);
    });
  }

  void narrow_all() {
    if (design_.axis.listed()) return;
    for (std::size_t s = 0; s < result_.series.size(); ++s)
      for (const Curve curve : {predicted, pessimistic, optimistic}) {
        if (curve != predicted && !options_.interval) continue;
        for (const Bracket& found : brackets(samples_of(result_.series[s].scan, curve), options_.target))
          searches_.push_back({s, curve, found, found});
      }
    for_all(searches_.size(), "crossings", [&](std::size_t i) {
      Search& search = searches_[i];
      const auto value = [&](std::int64_t position) -> std::optional<double> {
        const ScanPoint point = simulate(result_.series[search.series].also, position, search.curve != predicted);
        return point.error.empty() ? std::optional(point.*kCurves[search.curve]) : std::nullopt;
      };
      search.fine = narrow(search.coarse, options_.target, value, options_.stop);
    });
  }

  void conclude() {
    for (std::size_t s = 0; s < result_.series.size(); ++s) {
      BreakevenSeries& series = result_.series[s];
      series.verdict = verdict_of(samples_of(series.scan, predicted), options_.target);
      series.of_low = verdict_of(samples_of(series.scan, pessimistic), options_.target);
      series.of_high = verdict_of(samples_of(series.scan, optimistic), options_.target);
      for (const Search& search : searches_)
        if (search.series == s && search.curve == predicted) series.crossings.push_back(crossing_of(search));
    }
    require_any();
  }

  Crossing crossing_of(const Search& search) const {
    const double target = options_.target;
    Crossing crossing;
    crossing.upward = search.fine.pays_right(target);
    crossing.closed = search.fine.closed();
    const std::int64_t position = search.fine.pays(target).position;
    crossing.pays = design_.axis.at(position);
    crossing.fails = design_.axis.at(search.fine.fails(target).position);
    crossing.speedup_pays = search.fine.pays(target).value;
    crossing.speedup_fails = search.fine.fails(target).value;
    if (!options_.interval) return crossing;
    // Where the speedup pays its high end pays, and where its low end pays it does: the high end crosses before (going
    // up) and the low end after.
    const auto before = end_of(search, crossing.upward ? optimistic : pessimistic, true);
    const auto after = end_of(search, crossing.upward ? pessimistic : optimistic, false);
    if (before) crossing.low = design_.axis.at(std::min(*before, position));
    if (after) crossing.high = design_.axis.at(std::max(*after, position));
    return crossing;
  }

  /// Where another curve crosses in the same direction: last at or before, or first at or after, the search's bracket.
  std::optional<std::int64_t> end_of(const Search& of, Curve curve, bool before) const {
    const double target = options_.target;
    std::optional<std::int64_t> found;
    for (const Search& other : searches_) {  // those of a curve are in order of position
      if (other.series != of.series || other.curve != curve) continue;
      if (other.coarse.pays_right(target) != of.coarse.pays_right(target)) continue;
      const std::int64_t position = other.fine.pays(target).position;
      if (before && other.coarse.right.position <= of.coarse.right.position) found = position;
      if (!before && other.coarse.left.position >= of.coarse.left.position && !found) found = position;
    }
    return found;
  }

  void require_any() const {
    for (const BreakevenSeries& series : result_.series)
      if (series.verdict != Payoff::unknown) return;
    throw UnsupportedError(result_.series.front().scan.front().error);
  }

  const BreakevenDesign& design_;
  Study& study_;
  const BreakevenOptions& options_;
  BreakevenResult result_;
  std::vector<Search> searches_;  // by series, curve, position
};

}  // namespace

std::string_view name(Payoff verdict) {
  switch (verdict) {
    case Payoff::always:
      return "always";
    case Payoff::never:
      return "never";
    case Payoff::crosses:
      return "crosses";
    case Payoff::unknown:
      break;
  }
  return "unknown";
}

BreakevenResult find_breakeven(const BreakevenDesign& design, Study& study, const BreakevenOptions& options) {
  return BreakevenRun(design, study, options).run();
}

}  // namespace sparsesim
