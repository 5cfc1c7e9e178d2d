#include <algorithm>
#include <cmath>
#include <vector>

#include "models/ops/arrays/array_dataflows.h"
#include "sim/core/counts.h"
#include "sim/core/random.h"

namespace sparsesim {
namespace {

// Entries that are drawn for a product at most, a few milliseconds. Longer ones repeat what their first columns do.
constexpr double kEntriesMost = 2e5;

/// Draws the work of one element in one column: its entries, and fillers for runs of more than `run_limit` zeros.
class ColumnDraw {
 public:
  ColumnDraw(double density, double run_limit, std::uint64_t seed)
      : random_(seed, "array_columns"), run_(run_limit + 1), fills_(run_limit > 0), all_(density >= 1) {
    if (!all_) log_zero_ = std::log1p(-density);
    none_ = density <= 0;
  }
  struct Entries {
    double stored = 0, fillers = 0;
  };
  Entries draw(std::int64_t rows) {
    if (all_) return {real(rows), 0};
    Entries entries;
    if (none_) return entries;
    for (std::int64_t row = 0;;) {
      const double gap = std::floor(std::log1p(-random_.uniform()) / log_zero_);  // zeros before the next entry
      if (gap >= real(rows - row)) return entries;
      row += static_cast<std::int64_t>(gap) + 1;
      entries.stored += 1;
      if (fills_) entries.fillers += std::floor(gap / run_);
    }
  }

 private:
  RandomStream random_;
  double run_;
  bool fills_, all_, none_ = false;
  double log_zero_ = 0;
};

/// Times of the elements and of the broadcasts. A broadcast leaves when every element has room for it.
class Broadcasts {
 public:
  Broadcasts(std::size_t elements, double depth)
      : depth_(static_cast<std::size_t>(depth)), free_(elements), ends_(depth_) {}
  /// The next column with its cycles per element.
  void send(const std::vector<double>& cycles) {
    // A column keeps its place in the queue until it is done: every element has done the one `depth` before.
    const std::size_t slot = sent_ % depth_;
    broadcast_ = std::max(broadcast_ + 1, ends_[slot]);
    for (std::size_t i = 0; i < free_.size(); ++i) free_[i] = std::max(free_[i], broadcast_) + cycles[i];
    ends_[slot] = end();
    ++sent_;
  }
  double end() const { return *std::max_element(free_.begin(), free_.end()); }
  double last() const { return broadcast_; }

 private:
  std::size_t depth_, sent_ = 0;
  double broadcast_ = 0;
  std::vector<double> free_, ends_;
};

}  // namespace

Launch lower_array_columns(const SpmmSize& size, const Kernel& kernel, const LowerContext& context) {
  const ArrayConstants constants = array_constants(kernel);
  const Densities densities = seen_densities(size, constants);
  const Ideal& ideal = context.ideal;
  const std::int64_t units = context.substrate.compute.units;
  // With lanes, a column carries its input of all rows of activations at once, and an entry multiplies them in turn.
  const double lanes = constants.activation_lanes, rows = real(size.m) * densities.activations;
  const double passes = lanes <= 1 ? 1 : ideal.padding ? rows / lanes : std::ceil(rows / lanes);
  const double columns = std::max(1.0, std::round(real(size.k) * (lanes <= 1 ? rows : 1)));
  const double entries = std::max(1.0, real(size.n) * densities.weights + real(units));
  const double drawn = std::max(1.0, std::min(columns, std::floor(kEntriesMost / entries)));
  ColumnDraw draw(densities.weights, ideal.metadata ? 0 : constants.run_limit, context.seed);
  Broadcasts broadcasts(at(units), constants.queue_depth);
  std::vector<double> cycles(at(units)), busy(at(units));
  double multiplies = 0;
  for (double column = 0; column < drawn; ++column) {
    for (std::int64_t unit = 0; unit < units; ++unit) {
      const auto [stored, fillers] = draw.draw(size.n / units + (unit < size.n % units ? 1 : 0));
      multiplies += (stored + fillers) * passes * lanes;
      const double taken = ideal.padding ? (stored + fillers) / constants.weight_lanes
                                         : std::ceil((stored + fillers) / constants.weight_lanes);
      cycles[at(unit)] = stored + fillers > 0 ? taken * passes : constants.empty_cycles;
      busy[at(unit)] += cycles[at(unit)];
    }
    broadcasts.send(cycles);
  }
  const double repeated = columns / drawn;
  // What follows the last broadcast comes once, however often the columns before it are repeated.
  const double end = broadcasts.end() + broadcasts.last() * (repeated - 1);
  double mean = 0;
  for (const double each : busy) mean += each / real(units);
  std::vector<ElementWork> work;
  for (const double each : busy)
    work.push_back(ideal.imbalance ? ElementWork{mean * repeated, 0}
                                   : ElementWork{each * repeated, std::max(0.0, end - each * repeated)});
  return array_launch(size, kernel, work, useful_pairs(size), multiplies * repeated, context);
}

}  // namespace sparsesim
