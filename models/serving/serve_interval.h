#pragma once
// What the guessed constants of a service leave open of its main figures (docs/serving.md).

#include <array>
#include <optional>

#include "models/evaluate/run.h"

namespace sparsesim {

class ModelService;
struct SideResult;
struct RatePoint;

/// Ranges of one figure: of each side, and of sparse / dense. An end may be infinite: overloaded there.
struct FigureInterval {
  std::array<Interval, 2> sides;
  std::optional<Interval> ratio;  // where every run has the figure
};

struct ServeInterval {
  bool overhead = false, reserved = false;  // which constants are guesses: step_overhead, reserved
  std::optional<FigureInterval> capacity, first_token, per_token;  // requests/s, p50 in ms, p50 in ms
};

/// Serves once more with each guess at the slow and at the fast end of its range, all else alike. Guesses are
/// independent: deviations of the logarithm add in quadrature, as in docs/models/interval.md. The service is left at
/// its guesses. Nothing where there is no guess or a side does not fit; `stopped` where the run was stopped.
std::optional<ServeInterval> interval_of(ModelService& service, const std::array<SideResult, 2>& sides,
                                         const RatePoint& point, bool has_recipe, bool& stopped);

}  // namespace sparsesim
