// Formats of a recommendation: pure functions, documented in docs/recommend.md.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/explore/recommend.h"
#include "sim/core/printable.h"
#include "sim/stats/table.h"

namespace sparsesim {
namespace {

using nlohmann::ordered_json;

std::string share_text(double share) { return fmt::format("{:.4g} %", 100 * share); }
std::string times_text(double factor) { return fmt::format("{:.2f}x", factor); }
std::string quality_text(const PatternPoint& point) {
  return point.quality ? fmt::format("{:.6g}", *point.quality) : "";
}
std::string format_text(const PatternCandidate& candidate) {
  return candidate.format.empty() ? "any" : candidate.format;
}

/// "unstructured csr"; patterns of one format go without.
std::string label_of_candidate(const PatternCandidate& candidate) {
  const bool alone = candidate.format.empty() || candidate.format == candidate.kind;
  return alone ? candidate.family : fmt::format("{} {}", candidate.family, candidate.format);
}

std::string product_text(const Recommendation& r) {
  const SpmmSize& p = r.product;
  return fmt::format("{} of {} on {}: activations {} x {} times {}weights {} x {}, {}; dense {:.1f} us\n",
                     printable(r.op), printable(r.workload), printable(r.substrate), p.m, p.k,
                     p.transposed ? "transposed " : "", p.k, p.n, p.dtype, r.dense_us);
}

void add_quality_column(const Recommendation& r, std::vector<TableColumn>& columns) {
  if (r.has_quality) columns.push_back({"quality", Align::right});
}

std::string level_table(const Recommendation& r, const RankingLevel& level) {
  std::vector<TableColumn> columns = {{fmt::format("{} zeros", share_text(level.sparsity))},
                                      {"format"},
                                      {"kernel"},
                                      {"speedup", Align::right},
                                      {"of ideal", Align::right},
                                      {"verdict"},
                                      {"decides"}};
  add_quality_column(r, columns);
  std::vector<std::vector<std::string>> rows;
  for (const PointPlace& place : level.order) {
    const PatternPoint& p = r.at(place);
    if (rows.size() == kRankedShown) break;
    rows.push_back({p.pattern, format_text(r.candidates[place.candidate].candidate), p.kernel, times_text(p.speedup),
                    fmt::format("{:.1f} %", 100 * p.speedup / p.ideal), std::string(name(p.verdict)), p.decides,
                    quality_text(p)});
    if (!r.has_quality) rows.back().pop_back();
  }
  const std::size_t further = level.order.size() - rows.size();
  return format_table(columns, rows, 2) + (further > 0 ? fmt::format("  and {} further\n\n", further) : "\n");
}

/// Candidates by the zeros that the target needs, then by their best speedup.
std::vector<std::size_t> by_need(const Recommendation& r) {
  std::vector<std::size_t> order(r.candidates.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const CandidateResult &x = r.candidates[a], &y = r.candidates[b];
    const double need_x = x.needed.value_or(2), need_y = y.needed.value_or(2);
    if (need_x != need_y) return need_x < need_y;
    const PatternPoint &best_x = x.points[x.best], &best_y = y.points[y.best];
    if (best_x.kernel.empty() != best_y.kernel.empty()) return best_y.kernel.empty();
    return best_x.speedup > best_y.speedup;
  });
  return order;
}

std::string candidate_table(const Recommendation& r) {
  std::vector<TableColumn> columns = {{"pattern"}, {"format"}};
  for (const RankingLevel& level : r.levels) columns.push_back({share_text(level.sparsity), Align::right});
  columns.push_back({fmt::format("{} from", times_text(r.target)), Align::right});
  columns.push_back({"verdict"});
  columns.push_back({"decides"});
  std::vector<std::vector<std::string>> rows;
  for (const std::size_t i : by_need(r)) {
    const CandidateResult& c = r.candidates[i];
    std::vector<std::string> row = {c.candidate.family, format_text(c.candidate)};
    for (const RankingLevel& level : r.levels) {
      const auto point = std::find_if(c.points.begin(), c.points.end(), [&](const PatternPoint& p) {
        return std::abs(p.sparsity - level.sparsity) < 1e-9;
      });
      row.push_back(point == c.points.end() ? "" : point->kernel.empty() ? "-" : times_text(point->speedup));
    }
    row.push_back(c.needed ? share_text(*c.needed) : "-");
    row.push_back(c.verdict == Verdict::slower ? "never pays" : std::string(name(c.verdict)));
    row.push_back(c.points[c.best].decides);
    rows.push_back(std::move(row));
  }
  return format_table(columns, rows, 2);
}

std::string front_table(const Recommendation& r) {
  std::vector<TableColumn> columns = {
      {"weights kept", Align::right}, {"pattern"}, {"format"}, {"kernel"}, {"speedup", Align::right}};
  add_quality_column(r, columns);
  std::vector<std::vector<std::string>> rows = {{share_text(1), "dense", "", "", times_text(1)}};
  for (const PointPlace& place : r.front) {
    const PatternPoint& p = r.at(place);
    rows.push_back({share_text(1 - p.sparsity), p.pattern, format_text(r.candidates[place.candidate].candidate),
                    p.kernel, times_text(p.speedup)});
    if (r.has_quality) rows.back().push_back(quality_text(p));
  }
  return format_table(columns, rows, 2);
}

std::string verdict_lines(const Recommendation& r) {
  std::string out;
  for (const Verdict verdict :
       {Verdict::free, Verdict::nearly_free, Verdict::pays, Verdict::slower, Verdict::no_kernel, Verdict::too_large}) {
    std::vector<std::string> labels;
    for (const CandidateResult& c : r.candidates)
      if (c.verdict == verdict) labels.push_back(label_of_candidate(c.candidate));
    if (!labels.empty())
      out +=
          fmt::format("  {}: {}\n", verdict == Verdict::slower ? "never pays" : name(verdict), fmt::join(labels, ", "));
  }
  return out;
}

ordered_json point_json(const PatternPoint& p) {
  ordered_json lost = ordered_json::array();
  for (const LossTerm& term : p.lost) lost.push_back({{"term", term.term}, {"factor", term.factor}});
  const auto or_null = [](const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); };
  return {{"pattern", p.pattern},
          {"sparsity", p.sparsity},
          {"kernel", or_null(p.kernel)},
          {"sparse_us", p.sparse_us},
          {"realised_speedup", p.speedup},
          {"ideal_speedup", p.ideal},
          {"verdict", name(p.verdict)},
          {"decides", or_null(p.decides)},
          {"reason", or_null(p.reason)},
          {"lost", lost},
          {"quality", p.quality ? ordered_json(*p.quality) : ordered_json()}};
}

ordered_json candidate_json(const CandidateResult& c) {
  ordered_json points = ordered_json::array();
  for (const PatternPoint& p : c.points) points.push_back(point_json(p));
  ordered_json out = {
      {"kind", c.candidate.kind},
      {"pattern", c.candidate.family},
      {"format", format_text(c.candidate)},
      {"unit", {c.candidate.rows, c.candidate.columns}},
      {"needed_sparsity", c.needed ? ordered_json(*c.needed) : ordered_json()},
      {"needed_pattern", c.needed ? ordered_json(c.candidate.name_at(*c.needed)) : ordered_json()},
      {"verdict", c.verdict == Verdict::slower ? "never pays" : name(c.verdict)},
      {"decides", c.points[c.best].decides.empty() ? ordered_json() : ordered_json(c.points[c.best].decides)}};
  out["points"] = points;
  return out;
}

ordered_json places_json(const Recommendation& r, const std::vector<PointPlace>& places) {
  ordered_json out = ordered_json::array();
  for (const PointPlace& place : places) {
    const PatternPoint& p = r.at(place);
    out.push_back({{"candidate", place.candidate},
                   {"pattern", p.pattern},
                   {"format", format_text(r.candidates[place.candidate].candidate)},
                   {"kept", 1 - p.sparsity},
                   {"realised_speedup", p.speedup}});
  }
  return out;
}

}  // namespace

std::string format_table(const Recommendation& r) {
  std::string out = product_text(r) + "\n";
  for (const RankingLevel& level : r.levels) out += level_table(r, level);
  out += fmt::format("  by the zeros that {} needs\n", times_text(r.target)) + candidate_table(r) + "\n";
  out += verdict_lines(r) + "\n  nothing keeps as many weights and is faster\n" + front_table(r);
  return out;
}

std::string format_json(const Recommendation& r) {
  const SpmmSize& p = r.product;
  ordered_json out = {{"substrate", r.substrate},
                      {"workload", r.workload},
                      {"op", r.op},
                      {"m", p.m},
                      {"n", p.n},
                      {"k", p.k},
                      {"dtype", p.dtype},
                      {"seed", r.seed},
                      {"target", r.target},
                      {"max_sparsity", r.max_sparsity},
                      {"dense_us", r.dense_us}};
  ordered_json candidates = ordered_json::array(), levels = ordered_json::array();
  for (const CandidateResult& c : r.candidates) candidates.push_back(candidate_json(c));
  for (const RankingLevel& level : r.levels)
    levels.push_back({{"sparsity", level.sparsity}, {"ranking", places_json(r, level.order)}});
  out["candidates"] = candidates;
  out["levels"] = levels;
  out["front"] = places_json(r, r.front);
  return out.dump(2) + "\n";
}

}  // namespace sparsesim
