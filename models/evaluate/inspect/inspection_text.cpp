// Formats of an inspection: pure functions, documented in docs/patterns.md.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/evaluate/inspect/inspection.h"
#include "sim/core/printable.h"
#include "sim/stats/table.h"

namespace sparsesim {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string times(double value) { return fmt::format("{:.2f}x", value); }
std::string count(double value) { return fmt::format("{:.0f}", value); }
std::string size(Granule granule) { return fmt::format("{} x {}", granule.rows, granule.columns); }

std::string heading(const Inspection& i) {
  const bool blocks = i.block_rows * i.block_columns > 1;
  const double places = static_cast<double>(i.rows) * static_cast<double>(i.columns) /
                        (static_cast<double>(i.block_rows) * static_cast<double>(i.block_columns));
  return fmt::format("{}: {} x {} weights, {} of {} {} stored, {} zeros{}\n", printable(i.file), i.rows, i.columns,
                     i.stored, count(places),
                     blocks ? fmt::format("blocks of {} x {}", i.block_rows, i.block_columns) : "weights",
                     percent_text(i.sparsity()),
                     i.substrate.empty() ? "" : fmt::format("; as {} on {}", i.dtype, printable(i.substrate)));
}

std::string granule_table(const Inspection& i) {
  Rows rows;
  for (const GranuleLine& g : i.granules)
    rows.push_back({g.name, size(g.granule), count(g.granules), percent_text(g.share()),
                    percent_text(g.share_at_random), percent_text(g.fill), percent(g.free_zeros), g.remark});
  return format_table({{"granule"},
                       {"size", Align::right},
                       {"number", Align::right},
                       {"occupied", Align::right},
                       {"at random", Align::right},
                       {"fill", Align::right},
                       {"zeros on free ones", Align::right},
                       {""}},
                      rows, 2);
}

std::string aligned_text(const Inspection& i) {
  if (!i.quick_estimate) return "";
  const double least = std::min(*i.aligned_cache, *i.aligned_dispatch);
  return fmt::format("  aligned: cache {}, dispatch {} of the zeros; quick estimate 1 / (1 - {:.3f} x {:.3f}) = {}\n",
                     percent(*i.aligned_cache), percent(*i.aligned_dispatch), i.sparsity(), least,
                     times(*i.quick_estimate));
}

std::string balance_table(const Inspection& i) {
  Rows rows;
  for (const BalanceLine& b : i.balance)
    rows.push_back({b.name, fmt::format("{:.2f}", b.balance.most_over_mean), percent(b.balance.waiting)});
  return format_table(
      {{"rows of a task"}, {"fullest over mean", Align::right}, {"waiting for the longest", Align::right}}, rows, 2);
}

std::string kind_table(const Inspection& i) {
  Rows rows;
  for (const KindLine& k : i.kinds)
    rows.push_back({k.kind, percent(k.work), percent_text(k.fill), k.dropped > 0 ? percent_text(k.dropped) : "-",
                    times(k.compute), times(k.memory)});
  return format_table({{"used as"},
                       {"work left", Align::right},
                       {"fill", Align::right},
                       {"weights to drop", Align::right},
                       {"arithmetic", Align::right},
                       {"weight bytes", Align::right}},
                      rows, 2);
}

std::string bound_text(const KindLine& kind, double KindLine::*field) {
  return kind.kind == "dense" ? "nothing beats dense" : fmt::format("{}, at most {}", kind.kind, times(kind.*field));
}

std::string verdict(const Inspection& i) {
  std::string out = fmt::format("  best where arithmetic binds: {}; where the bytes of the weights bind: {}\n",
                                bound_text(i.best(&KindLine::compute), &KindLine::compute),
                                bound_text(i.best(&KindLine::memory), &KindLine::memory));
  for (const KindLine* kind : i.near())
    out += fmt::format("  near: {} if {} of the stored weights go, then at most {} and {}\n", kind->kind,
                       percent_text(kind->dropped), times(kind->compute), times(kind->memory));
  return out;
}

ordered_json granules_json(const Inspection& i) {
  ordered_json out = ordered_json::array();
  for (const GranuleLine& g : i.granules)
    out.push_back({{"name", g.name},
                   {"rows", g.granule.rows},
                   {"columns", g.granule.columns},
                   {"remark", g.remark},
                   {"number", g.granules},
                   {"occupied", g.occupied},
                   {"occupied_share", g.share()},
                   {"occupied_share_at_random", g.share_at_random},
                   {"fill", g.fill},
                   {"zeros_on_free", g.free_zeros}});
  return out;
}

ordered_json kinds_json(const Inspection& i) {
  ordered_json out = ordered_json::array();
  for (const KindLine& k : i.kinds)
    out.push_back({{"kind", k.kind},
                   {"work", k.work},
                   {"fill", k.fill},
                   {"dropped", k.dropped},
                   {"compute_speedup_most", k.compute},
                   {"memory_speedup_most", k.memory}});
  return out;
}

ordered_json balance_json(const Inspection& i) {
  ordered_json out = ordered_json::array();
  for (const BalanceLine& b : i.balance)
    out.push_back({{"rows", b.rows}, {"most_over_mean", b.balance.most_over_mean}, {"waiting", b.balance.waiting}});
  return out;
}

}  // namespace

std::string percent_text(double share) {
  constexpr double kTenth = 0.0005, kHundredth = 0.00005;  // half of a digit
  if (share > 0 && share < kHundredth) return "< 0.01 %";
  if (share < 1 && share > 1 - kHundredth) return "> 99.99 %";
  const double rest = std::min(share, 1 - share);
  return fmt::format("{:.{}f} %", 100 * share, rest > 0 && rest < kTenth ? 2 : 1);
}

std::string format_table(const Inspection& i) {
  std::string out = heading(i);
  if (i.free.rows + i.free.columns > 0)
    out += fmt::format("  {} empty rows, {} empty columns\n", i.free.rows, i.free.columns);
  if (i.band.area > 0 && i.band.area < Inspection::band_most)
    out += fmt::format("  all that is stored lies in a band {} to {} columns right of the diagonal, {} of it stored\n",
                       i.band.low, i.band.high, percent_text(i.band.fill));
  out += "\n";
  out += granule_table(i) + aligned_text(i) + "\n" + balance_table(i) + "\n" + kind_table(i) + verdict(i);
  return out;
}

std::string format_json(const Inspection& i) {
  ordered_json out = {
      {"file", i.file},
      {"rows", i.rows},
      {"columns", i.columns},
      {"block", {i.block_rows, i.block_columns}},
      {"stored", i.stored},
      {"declared_sparsity", i.sparsity()},
      {"empty_rows", i.free.rows},
      {"empty_columns", i.free.columns},
      {"band", {{"low", i.band.low}, {"high", i.band.high}, {"area", i.band.area}, {"fill", i.band.fill}}}};
  if (!i.substrate.empty()) {
    out["substrate"] = i.substrate;
    out["dtype"] = i.dtype;
  }
  if (i.quick_estimate) {
    out["aligned"] = {{"cache", *i.aligned_cache}, {"dispatch", *i.aligned_dispatch}};
    out["quick_estimate"] = *i.quick_estimate;
  }
  out["granules"] = granules_json(i);
  out["row_balance"] = balance_json(i);
  out["kinds"] = kinds_json(i);
  out["best"] = {{"compute", i.best(&KindLine::compute).kind}, {"memory", i.best(&KindLine::memory).kind}};
  ordered_json near = ordered_json::array();
  for (const KindLine* kind : i.near()) near.push_back(kind->kind);
  out["near"] = near;
  return out.dump(2) + "\n";
}

}  // namespace sparsesim
