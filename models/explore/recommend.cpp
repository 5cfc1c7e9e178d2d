#include "models/explore/recommend.h"

#include <algorithm>
#include <cmath>

#include "models/ops/limits.h"
#include "sim/core/parallel.h"

namespace sparsesim {
namespace {

constexpr double kNothingLost = 1.005;  // a factor that no two digits show

std::string largest_term(const std::vector<LossTerm>& lost) {
  const auto term = std::max_element(lost.begin(), lost.end(),
                                     [](const LossTerm& a, const LossTerm& b) { return a.factor < b.factor; });
  return term != lost.end() && term->factor > kNothingLost ? term->term : "";
}

/// All candidates of one product while threads simulate them.
class RecommendRun {
 public:
  RecommendRun(const SpmmSize& product, const Substrate& substrate, const RecommendOptions& options)
      : product_(product), substrate_(substrate), options_(options) {
    result_.substrate = substrate.name;
    result_.product = product;
    result_.target = options.target;
    result_.max_sparsity = options.max_sparsity;
    result_.seed = options.seed;
    for (PatternCandidate& candidate : pattern_candidates(product, substrate)) add(std::move(candidate));
  }

  std::optional<Recommendation> run() {
    SpmmSize any = product_;  // the twin does not look at the pattern
    any.pattern = sparse_kinds().front().pattern;
    dense_ = predict_dense(Spmm(any), substrate_, options_.seed, {}, &memo_);
    result_.dense_us = dense_.time.us();
    const std::size_t searched = places_.size() + result_.candidates.size();
    const std::size_t most = options_.explain_all ? places_.size() : shown_most(), total = searched + most;
    sparse_.resize(places_.size());
    for_each_stopping(places_.size(), 0, total, [&](std::size_t i) { fill(i); });
    for_each_stopping(result_.candidates.size(), places_.size(), total,
                      [&](std::size_t i) { search(result_.candidates[i]); });
    if (stopped()) return std::nullopt;
    explained_.assign(places_.size(), 0);
    for (std::size_t done = searched;;) {  // once more where one that was explained turned out not to run
      for (CandidateResult& candidate : result_.candidates) judge(candidate);
      rank();
      const std::vector<std::size_t> places = places_to_explain();
      if (places.empty()) break;
      for_each_stopping(places.size(), done, total, [&](std::size_t i) { explain(places[i]); });
      if (stopped()) return std::nullopt;
      done += places.size();
    }
    find_front();
    return std::move(result_);
  }

 private:
  void add(PatternCandidate candidate) {
    CandidateResult entry{.candidate = std::move(candidate), .points = {}, .needed = {}};
    std::vector<double> levels = compared_levels(options_.max_sparsity);
    if (const auto only = entry.candidate.only_sparsity()) levels.assign(*only <= options_.max_sparsity ? 1 : 0, *only);
    for (const double level : levels) {
      if (!entry.candidate.size_at(product_, level)) continue;
      places_.push_back({result_.candidates.size(), entry.points.size()});
      entry.points.push_back({.pattern = entry.candidate.name_at(level), .sparsity = level});
    }
    if (!entry.points.empty()) result_.candidates.push_back(std::move(entry));
  }

  template <class Work>
  void for_each_stopping(std::size_t count, std::size_t before, std::size_t total, Work&& work) {
    const auto done = [&](std::size_t finished) {
      if (options_.progress) options_.progress(before + finished, total);
    };
    for_each_index(count, options_.threads, work, done, options_.stop);
  }

  /// Errors: as Op::lower().
  ProgramResult play(const Op& op, std::string* kernel) {
    const Program program = op.lower({substrate_, {}, options_.seed});
    if (kernel) *kernel = program.stages.front().launch->kernel;
    return play_program(program, substrate_, {}, &memo_);
  }

  bool stopped() const { return options_.stop && *options_.stop; }

  PatternPoint& point_at(const PointPlace& place) { return result_.candidates[place.candidate].points[place.point]; }
  Spmm op_at(const PointPlace& place) {
    const PatternCandidate& candidate = result_.candidates[place.candidate].candidate;
    return Spmm(*candidate.size_at(product_, point_at(place).sparsity), &memo_);
  }

  void fill(std::size_t index) {
    PatternPoint& point = point_at(places_[index]);
    const Spmm op = op_at(places_[index]);
    OpPrediction prediction;
    prediction.dense = dense_;
    prediction.sparsity = op.sparsity({substrate_, {}, options_.seed});
    point.ideal = ideal_speedup(prediction.sparsity.declared);
    point.sparse_us = result_.dense_us;
    try {
      prediction.sparse = play(op, &point.kernel);
    } catch (const UnsupportedError& error) {
      return not_run(point, Verdict::no_kernel, error.what());
    } catch (const TooLargeError& error) {
      return not_run(point, Verdict::too_large, error.what());
    }
    point.sparse_us = prediction.sparse_us();
    point.speedup = prediction.realised_speedup();
    point.verdict = verdict_on(point.speedup, point.ideal);
    sparse_[index] = std::move(prediction.sparse);
  }

  /// Why a point that ran is not as fast as its zeros promise.
  void explain(std::size_t index) {
    PatternPoint& point = point_at(places_[index]);
    OpPrediction prediction;
    prediction.dense = dense_;
    prediction.sparse = sparse_[index];
    explained_[index] = 1;
    try {
      point.lost =
          waterfall(point.ideal, counterfactuals(op_at(places_[index]), substrate_, options_.seed, prediction, &memo_));
      point.decides = largest_term(point.lost);
    } catch (const UnsupportedError& error) {
      point.sparse_us = result_.dense_us;
      point.speedup = 1;
      not_run(point, Verdict::no_kernel, error.what());
    } catch (const TooLargeError& error) {
      point.sparse_us = result_.dense_us;
      point.speedup = 1;
      not_run(point, Verdict::too_large, error.what());
    }
  }

  std::size_t shown_most() const {
    return std::min(places_.size(),
                    result_.candidates.size() + kRankedShown * compared_levels(options_.max_sparsity).size());
  }

  /// Of the points that ran, all, or those that a table shows: the first of each level, and the best of each candidate.
  /// Those that are explained already are left out.
  std::vector<std::size_t> places_to_explain() const {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const PointPlace& place = places_[i];
      const auto is_place = [&](const PointPlace& p) {
        return p.candidate == place.candidate && p.point == place.point;
      };
      bool shown = options_.explain_all || result_.candidates[place.candidate].best == place.point;
      for (const RankingLevel& level : result_.levels) {
        const auto rows = static_cast<std::ptrdiff_t>(std::min(kRankedShown, level.order.size()));
        shown = shown || std::any_of(level.order.begin(), level.order.begin() + rows, is_place);
      }
      if (shown && explained_[i] == 0 && !result_.at(place).kernel.empty()) places.push_back(i);
    }
    return places;
  }

  static void not_run(PatternPoint& point, Verdict verdict, const std::string& reason) {
    point.kernel.clear();
    point.verdict = verdict;
    point.decides = name(verdict);
    point.reason = reason;
    point.lost.clear();
  }

  double speedup_at(const PatternCandidate& candidate, double sparsity) {
    const auto size = candidate.size_at(product_, sparsity);
    if (!size) return 0;
    try {
      return dense_.time / play(Spmm(*size, &memo_), nullptr).time;
    } catch (const UnsupportedError&) {
      return 0;
    } catch (const TooLargeError&) {
      return 0;
    }
  }

  /// Least share of zeros with the target speedup: halves between the compared points around it.
  void search(CandidateResult& entry) {
    const auto reaches = [&](const PatternPoint& p) { return !p.kernel.empty() && p.speedup >= options_.target; };
    const auto above = std::find_if(entry.points.begin(), entry.points.end(), reaches);
    if (above == entry.points.end()) return;
    entry.needed = above->sparsity;
    std::vector<double> choices = entry.candidate.choices(above->sparsity);
    std::erase_if(choices, [&](double share) {
      return !entry.candidate.size_at(product_, share) || share >= above->sparsity ||
             (above != entry.points.begin() && share <= std::prev(above)->sparsity);
    });
    for (std::size_t low = 0, high = choices.size(); low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      if (speedup_at(entry.candidate, choices[middle]) < options_.target) {
        low = middle + 1;
      } else {
        entry.needed = choices[middle];
        high = middle;
      }
    }
  }

  static void judge(CandidateResult& entry) {
    entry.verdict = Verdict::too_large;
    entry.best = 0;
    for (std::size_t i = 0; i < entry.points.size(); ++i) {
      entry.verdict = std::min(entry.verdict, entry.points[i].verdict);
      const bool runs = !entry.points[i].kernel.empty(), best_runs = !entry.points[entry.best].kernel.empty();
      if (runs != best_runs ? runs : entry.points[i].speedup > entry.points[entry.best].speedup) entry.best = i;
    }
  }

  /// Fastest first, what did not run last, equal ones in the order of the table.
  void rank() {
    result_.levels.clear();
    for (const PointPlace& place : places_) {
      const double sparsity = result_.at(place).sparsity;
      auto level = std::find_if(result_.levels.begin(), result_.levels.end(),
                                [&](const RankingLevel& l) { return std::abs(l.sparsity - sparsity) < 1e-9; });
      if (level == result_.levels.end()) level = result_.levels.insert(level, {sparsity, {}});
      level->order.push_back(place);
    }
    std::sort(result_.levels.begin(), result_.levels.end(),
              [](const RankingLevel& a, const RankingLevel& b) { return a.sparsity < b.sparsity; });
    for (RankingLevel& level : result_.levels)
      std::stable_sort(level.order.begin(), level.order.end(), [&](const PointPlace& a, const PointPlace& b) {
        const PatternPoint &x = result_.at(a), &y = result_.at(b);
        return x.kernel.empty() != y.kernel.empty() ? y.kernel.empty() : x.speedup > y.speedup;
      });
  }

  /// Levels come with fewer and fewer weights kept, so a point belongs to the front if it is faster than all with fewer
  /// zeros, and than dense.
  void find_front() {
    double fastest = 1;
    for (const RankingLevel& level : result_.levels) {
      const PatternPoint& first = result_.at(level.order.front());
      if (first.kernel.empty() || first.speedup <= fastest) continue;
      fastest = first.speedup;
      result_.front.push_back(level.order.front());
    }
  }

  const SpmmSize product_;
  const Substrate& substrate_;
  const RecommendOptions& options_;
  LaunchMemo memo_;
  ProgramResult dense_;
  std::vector<PointPlace> places_;
  std::vector<ProgramResult> sparse_;  // of each place that ran
  std::vector<char> explained_;        // of each place; bytes, so that threads may set neighbours
  Recommendation result_;
};

}  // namespace

Verdict verdict_on(double speedup, double ideal) {
  if (speedup <= 1) return Verdict::slower;
  if (speedup >= kFreeShare * ideal) return Verdict::free;
  return speedup >= kNearlyFreeShare * ideal ? Verdict::nearly_free : Verdict::pays;
}

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::free:
      return "free";
    case Verdict::nearly_free:
      return "nearly free";
    case Verdict::pays:
      return "pays";
    case Verdict::slower:
      return "does not pay";
    case Verdict::no_kernel:
      return "no kernel";
    default:
      return "too large";
  }
}

std::optional<Recommendation> recommend(const SpmmSize& product, const Substrate& substrate,
                                        const RecommendOptions& options) {
  return RecommendRun(product, substrate, options).run();
}

}  // namespace sparsesim
