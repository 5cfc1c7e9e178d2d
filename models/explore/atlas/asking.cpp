#include "models/explore/atlas/asking.h"

#include <algorithm>
#include <cmath>

namespace sparsesim::atlas {
namespace {

/// The fastest answer as a cell.
void fill(Cell& cell, const Answer& answer) {
  cell.dtype = answer.dtype;
  cell.reason = answer.reason();
  if (!cell.reason.empty()) return;
  cell.speedup = answer.row.realised_speedup;
  cell.ideal = answer.row.ideal_speedup;
  cell.lost = answer.row.lost;
  cell.verdict = verdict_on(cell.speedup, cell.ideal);
}

/// The position of the first choice from `low` on, before `high`, for which `holds`; high if none. Once it holds it
/// holds for all later ones.
template <class Holds>
std::size_t first_that(std::size_t low, std::size_t high, Holds&& holds) {
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (holds(middle))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/// One pattern of weights of the projection, at any share of zeros.
class WeightSearch {
 public:
  WeightSearch(Points& points, const Machine& machine, const WeightPattern& pattern, std::int64_t rows)
      : points_(points), machine_(machine), pattern_(pattern), rows_(rows) {
    choices_ = pattern.candidate.choices(kMostZeros);
    std::erase_if(choices_, [&](double share) { return !exists(share); });
    levels_ = compared_levels(kMostZeros);
    if (const auto only = pattern.candidate.only_sparsity()) levels_ = {*only};
    std::erase_if(levels_, [&](double share) { return !exists(share); });
  }

  const std::vector<double>& levels() const { return levels_; }
  Answer at(double share, bool waterfall = false) const {
    return ask(
        points_, machine_, [&](const std::string& dtype) { return projection(pattern_, rows_, share, dtype); },
        waterfall);
  }
  double speedup(double share) const {
    const Answer answer = at(share);
    return answer.reason().empty() ? answer.row.realised_speedup : 0;
  }
  Interval range(double share) const {
    const Answer answer = at(share);
    return points_.interval(machine_, answer.question, answer.row.realised_speedup);
  }

  /// Least share with more than the target: halves between the compared shares around it.
  std::optional<double> needed(double target) const {
    const auto above = std::find_if(levels_.begin(), levels_.end(), [&](double s) { return speedup(s) > target; });
    if (above == levels_.end()) return {};
    const std::size_t low = above == levels_.begin() ? 0 : position(*std::prev(above)), high = position(*above);
    return choices_[first_that(low, high, [&](std::size_t i) { return speedup(choices_[i]) > target; })];
  }
  /// The same for the ends of the interval, which is simulated at few shares: `pays` divides them.
  void range_of_needed(WeightCell& cell) const {
    const std::size_t middle = cell.pays ? position(*cell.pays) : choices_.size();
    const std::size_t early = first_that(0, middle, [&](std::size_t i) { return range(choices_[i]).high > 1; });
    const std::size_t late =
        first_that(middle, choices_.size(), [&](std::size_t i) { return range(choices_[i]).low > 1; });
    if (early < choices_.size()) cell.pays_early = choices_[early];
    if (late < choices_.size()) cell.pays_late = choices_[late];
  }

 private:
  bool exists(double share) const { return pattern_.candidate.size_at({}, share).has_value(); }
  std::size_t position(double share) const {
    const auto found = std::lower_bound(choices_.begin(), choices_.end(), share - 1e-9);
    return static_cast<std::size_t>(found - choices_.begin());
  }

  Points& points_;
  const Machine& machine_;
  const WeightPattern& pattern_;
  std::int64_t rows_;
  std::vector<double> choices_, levels_;
};

}  // namespace

std::string Answer::reason() const {
  if (!row.error.empty()) return row.error;
  return row.fallback && !row.ops.empty() ? row.ops.front().fallback : "";
}

Answer ask(Points& points, const Machine& machine, const OpenQuestion& question, bool waterfall) {
  Answer first;
  for (const std::string& dtype : machine.dtypes) {
    Answer answer;
    answer.question = question(dtype);
    answer.dtype = dtype;
    answer.row = points.at(machine, answer.question, waterfall);
    if (answer.row.error.empty()) return answer;
    if (first.dtype.empty()) first = std::move(answer);
  }
  return first;
}

Known known_of(const Machine& machine, const Evidence& evidence, std::string_view op, std::string_view pattern) {
  if (op.empty()) return Known::facts;
  if (evidence.count(machine.measured_as, op, pattern) > 0) return Known::measured;
  return evidence.count(machine.related, op, pattern) > 0 ? Known::related : Known::facts;
}

WeightCell weight_cell(Points& points, const Machine& machine, const Evidence& evidence, const WeightPattern& pattern,
                       std::int64_t rows, WeightDepth depth) {
  const WeightSearch search(points, machine, pattern, rows);
  WeightCell cell;
  cell.known = known_of(machine, evidence, "spmm", pattern.candidate.kind);
  cell.granule = pattern.candidate.family;
  cell.one_share = pattern.candidate.of > 0;
  for (const double share : search.levels()) {
    Cell here;
    fill(here, search.at(share));
    if (share == search.levels().front() || here.speedup > cell.speedup) {
      const Verdict best = std::min(cell.verdict, here.verdict);
      static_cast<Cell&>(cell) = {best,       cell.known, cell.granule, here.dtype, here.speedup,
                                  here.ideal, {},         {},           here.reason};
      cell.share = share;
    }
    cell.verdict = std::min(cell.verdict, here.verdict);
  }
  if (!cell.runs()) return cell;
  cell.pays = search.needed(1);
  if (depth.whole) {
    cell.lost = search.at(cell.share, true).row.lost;
    cell.twice = search.needed(2);
  }
  if (!depth.interval) return cell;
  cell.interval = search.range(cell.share);
  if (!cell.one_share) search.range_of_needed(cell);
  return cell;
}

Cell kind_cell(Points& points, const Machine& machine, const Evidence& evidence, const KindQuestion& question) {
  Cell cell;
  const Answer answer = ask(
      points, machine,
      [&](const std::string& dtype) {
        Question asked{std::string(question.workload), question.set};
        if (!question.dtype.empty()) asked.set.emplace_back(question.dtype, dtype);
        return asked;
      },
      true);
  fill(cell, answer);
  cell.known = known_of(machine, evidence, question.op, question.pattern);
  if (cell.runs()) cell.interval = points.interval(machine, answer.question, cell.speedup);
  return cell;
}

Cell node_cell(Points& points, const Machine& machine, const Evidence& evidence, const NodeQuestion& question) {
  Cell cell;
  fill(cell, ask(
                 points, machine,
                 [&](const std::string& dtype) { return on_node(question, machine.substrate->devices, dtype); }, true));
  cell.known = known_of(machine, evidence, "moe_ffn", "");
  return cell;
}

namespace {

/// Speedups of one machine along the parameter of a question.
class UnitSearch {
 public:
  UnitSearch(Points& points, const Machine& machine, const UnitQuestion& question)
      : points_(points), machine_(machine), question_(question) {}

  Answer at(double value) const {
    return ask(points_, machine_, [&](const std::string& dtype) { return at_value(question_, value, dtype); });
  }
  bool exceeds(double value) const {
    const Answer answer = at(value);
    return answer.reason().empty() && answer.row.realised_speedup > question_.target;
  }
  /// Between two values of which exactly one exceeds the target, the last place on its side.
  double narrow(double low, double high) const {
    const auto value = [&](std::size_t i) {
      return std::round((low + question_.step * static_cast<double>(i)) * 1e4) / 1e4;
    };
    const auto steps = static_cast<std::size_t>(std::llround((high - low) / question_.step));
    const std::size_t first =
        first_that(1, steps, [&](std::size_t i) { return exceeds(value(i)) == question_.upward; });
    return value(question_.upward ? first : first - 1);
  }

 private:
  Points& points_;
  const Machine& machine_;
  const UnitQuestion& question_;
};

}  // namespace

UnitCell unit_cell(Points& points, const Machine& machine, const Evidence& evidence, const UnitQuestion& question) {
  const UnitSearch search(points, machine, question);
  UnitCell cell;
  cell.known = known_of(machine, evidence, question.op, question.pattern);
  std::size_t runs = 0, exceeds = 0;
  std::optional<std::size_t> last_change;  // the place before it
  for (const double value : question.values) {
    const Answer answer = search.at(value);
    const std::string reason = answer.reason();
    cell.speedups.push_back(reason.empty() ? answer.row.realised_speedup : 0);
    if (reason.empty()) cell.dtype = answer.dtype;
    if (!reason.empty() && cell.reason.empty()) cell.reason = reason;
    runs += reason.empty();
    exceeds += cell.speedups.back() > question.target;
    const std::size_t i = cell.speedups.size() - 1;
    if (i == 0) continue;
    const bool before = cell.speedups[i - 1] > question.target, now = cell.speedups[i] > question.target;
    if (before != now && now == question.upward) last_change = i - 1;
  }
  if (runs == 0) return cell;
  cell.reason.clear();
  cell.verdict = exceeds == 0 ? Payoff::never : exceeds == question.values.size() ? Payoff::always : Payoff::crosses;
  if (cell.verdict != Payoff::crosses) return cell;
  if (last_change)
    cell.crossing = search.narrow(question.values[*last_change], question.values[*last_change + 1]);
  else
    cell.verdict = Payoff::unknown;  // it only crosses the other way
  return cell;
}

}  // namespace sparsesim::atlas
