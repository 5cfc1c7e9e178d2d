#pragma once
// How large an operation may be: what no run could hold is refused before memory or time is spent on it.

#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace sparsesim {

/// A size that the simulation cannot hold; what() says which, how large it is and what fits.
struct TooLargeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An extent of a product or of a score matrix.
inline constexpr std::int64_t kExtentMost = std::int64_t{1} << 31;
/// An extent of what is worked through token by token: expert layers, stacks of layers.
inline constexpr std::int64_t kLayerExtentMost = std::int64_t{1} << 24;
/// Tasks of one launch: about 60 bytes and four events each, times some 40 runs for the waterfall and the interval.
inline constexpr double kTasksMost = 1 << 20;
/// Steps of one task, and slices of one panel: they are numbered by 31 bits.
inline constexpr double kStepsMost = 1 << 30;
/// Stages of a program: 200 bytes each.
inline constexpr double kStagesMost = 1 << 18;
/// Pairs of devices over all exchanges of one op: 8 bytes each.
inline constexpr double kExchangePairsMost = 1 << 22;

/// Throws TooLargeError unless `count` <= `most`. `what` is plural: "tasks of the grouped product".
void require_at_most(double count, double most, std::string_view what);
/// The number of steps of a task. Errors: TooLargeError beyond kStepsMost.
int step_count(double steps, std::string_view what);

}  // namespace sparsesim
