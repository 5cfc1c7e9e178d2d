#include "models/serving/serve_interval.h"

#include <cmath>
#include <limits>
#include <vector>

#include "models/evaluate/interval.h"
#include "models/serving/serve.h"

namespace sparsesim {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// The figures of one side in one run.
struct SideFigures {
  double capacity = 0, first_token = kNever, per_token = kNever;
};
using RunFigures = std::array<SideFigures, 2>;

SideFigures figures_of(const SideResult& side, const LoadResult& load) {
  if (!side.misfit.empty() || load.overloaded) return {side.capacity};
  return {side.capacity, load.summary.first_token.p50, load.summary.per_token.p50};
}

std::optional<RunFigures> shifted_run(ModelService& service, double rate, bool has_recipe) {
  RunFigures run;
  for (const ServedSide side : {ServedSide::sparse, ServedSide::dense}) {
    const auto index = static_cast<std::size_t>(side);
    if (side == ServedSide::dense && !has_recipe) {
      run[index] = run[1];
      continue;
    }
    const auto known = service.side(side);
    if (!known) return std::nullopt;
    LoadResult load;
    if (known->misfit.empty()) {
      auto served = service.load(side, rate, *known);
      if (!served) return std::nullopt;
      load = std::move(*served);
    }
    run[index] = figures_of(*known, load);
  }
  return run;
}

/// `shifted`: each guess slow, then fast.
std::optional<FigureInterval> figure_interval(const RunFigures& known, const std::vector<RunFigures>& shifted,
                                              double SideFigures::*figure) {
  const auto usable = [](double value) { return std::isfinite(value) && value > 0; };
  FigureInterval interval;
  std::array<std::vector<double>, 2> values;
  std::vector<double> ratios;
  bool all = true;
  for (std::size_t side = 0; side < 2; ++side) {
    if (!usable(known[side].*figure)) return std::nullopt;
    for (const RunFigures& run : shifted) values[side].push_back(run[side].*figure);
    interval.sides[side] = interval_from(known[side].*figure, values[side]);
  }
  for (const RunFigures& run : shifted) {
    all = all && usable(run[0].*figure) && usable(run[1].*figure);
    ratios.push_back(run[1].*figure / run[0].*figure);
  }
  if (all) interval.ratio = interval_from(known[1].*figure / known[0].*figure, ratios);
  return interval;
}

}  // namespace

std::optional<ServeInterval> interval_of(ModelService& service, const std::array<SideResult, 2>& sides,
                                         const RatePoint& point, bool has_recipe, bool& stopped) {
  const ServingSpec& spec = service.spec();
  ServeInterval interval{spec.step_overhead == kStepOverhead, spec.reserved_bytes == kReservedBytes, {}, {}, {}};
  if (!sides[0].misfit.empty() || !(interval.overhead || interval.reserved)) return std::nullopt;
  const ServiceGuesses own = service.guesses();
  std::vector<ServiceGuesses> ends;
  if (interval.overhead)
    for (const double seconds : {kStepOverheadHigh, kStepOverheadLow}) ends.push_back({seconds, own.reserved});
  if (interval.reserved)
    for (const double bytes : {kReservedHigh, kReservedLow}) ends.push_back({own.step_overhead, bytes});
  std::vector<RunFigures> shifted;
  for (const ServiceGuesses& end : ends) {
    service.assume(end);
    const auto run = shifted_run(service, point.rate, has_recipe);
    service.assume(own);
    stopped = !run;
    if (stopped) return std::nullopt;
    shifted.push_back(*run);
  }
  const RunFigures known{figures_of(sides[0], point.sides[0]), figures_of(sides[1], point.sides[1])};
  interval.capacity = figure_interval(known, shifted, &SideFigures::capacity);
  interval.first_token = figure_interval(known, shifted, &SideFigures::first_token);
  interval.per_token = figure_interval(known, shifted, &SideFigures::per_token);
  return interval;
}

}  // namespace sparsesim
