#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "models/serving/serve_cells.h"
#include "models/serving/serve_report.h"
#include "sim/core/printable.h"
#include "sim/stats/table.h"

namespace sparsesim {
namespace {

using Row = std::vector<std::string>;
constexpr double kGigabyte = 1e9;
constexpr double kNearCapacity = 0.9;  // of it: the backlog needs more than a usual run to settle

const char* side_name(std::size_t side) { return side == 0 ? "dense" : "sparse"; }

/// " (TTFT 500 ms, TPOT 50 ms)": what is asked of 95 % of the requests.
std::string slo_text(const ServingSpec& spec) {
  std::string text;
  for (const auto& [name, seconds] : {std::pair{"TTFT", spec.ttft}, {"TPOT", spec.tpot}})
    if (seconds > 0)
      text += fmt::format("{}{} {}", text.empty() ? " (" : ", ", name,
                          config::format_quantity(seconds, config::Dimension::time));
  return text.empty() ? text : text + ")";
}

/// Rows of the table of one rate.
class ServeTable {
 public:
  ServeTable(const ServeResult& result, const RatePoint& point) : result_(result), point_(point) {}

  std::vector<Row> rows(const ServedQuality& quality) {
    if (point_.rate > 0) {
      side_row("capacity, requests/s", [](const SideResult& side) { return side.capacity; });
      share_row("offered load", [&](std::size_t side) { return point_.rate / result_.sides[side].capacity; });
    }
    if (result_.sides[1].goodput)
      side_row(fmt::format("goodput{}, requests/s", slo_text(result_.spec)),
               [](const SideResult& side) { return side.goodput.value_or(0); });
    latency_rows("time to first token", &ServiceSummary::first_token);
    latency_rows("time per output token", &ServiceSummary::per_token);
    latency_rows("inter-token latency", &ServiceSummary::gap);
    latency_rows("end to end", &ServiceSummary::end_to_end);
    throughput_rows();
    memory_rows();
    if (!quality.dense.empty() || !quality.sparse.empty())
      rows_.push_back({"quality, as given", quality.dense, quality.sparse, ""});
    return std::move(rows_);
  }

 private:
  bool fits(std::size_t side) const { return result_.sides[side].misfit.empty(); }
  bool ran(std::size_t side) const { return fits(side) && !point_.sides[side].overloaded; }

  void row(const std::string& name, const std::function<bool(std::size_t)>& has,
           const std::function<double(std::size_t)>& value) {
    if (!has(0) && !has(1)) return;  // overloaded: the notes say so
    Row cells = {name};
    for (std::size_t side = 0; side < 2; ++side) cells.push_back(has(side) ? figure(value(side)) : "-");
    cells.push_back(has(0) && has(1) ? change(value(0), value(1)) : "");
    rows_.push_back(std::move(cells));
  }
  void side_row(const std::string& name, const std::function<double(const SideResult&)>& value) {
    row(
        name, [&](std::size_t side) { return fits(side); }, [&](std::size_t s) { return value(result_.sides[s]); });
  }
  void run_row(const std::string& name, const std::function<double(const LoadResult&)>& value) {
    row(
        name, [&](std::size_t side) { return ran(side); }, [&](std::size_t s) { return value(point_.sides[s]); });
  }
  void share_row(const std::string& name, const std::function<double(std::size_t)>& share) {
    Row cells = {name};
    for (std::size_t side = 0; side < 2; ++side)
      cells.push_back(fits(side) ? fmt::format("{:.1f} %", 100 * share(side)) : "-");
    rows_.push_back(std::move(cells));
  }
  void latency_rows(const std::string& name, Percentiles ServiceSummary::*latency) {
    const auto one = [&](const char* which, double Percentiles::*percentile) {
      run_row(fmt::format("{} {}, ms", name, which),
              [&](const LoadResult& load) { return load.summary.*latency.*percentile; });
    };
    one("p50", &Percentiles::p50);
    one("p95", &Percentiles::p95);
    one("p99", &Percentiles::p99);
  }

  void throughput_rows() {
    const double devices = result_.devices;
    run_row("requests/s", [](const LoadResult& load) { return load.summary.requests_per_second; });
    run_row("tokens/s, in and out", [](const LoadResult& load) { return load.summary.tokens_per_second; });
    run_row("tokens/s per device", [=](const LoadResult& load) { return load.summary.tokens_per_second / devices; });
    run_row("output tokens/s per device",
            [=](const LoadResult& load) { return load.summary.output_per_second / devices; });
    run_row("batch mean, sequences", [](const LoadResult& load) { return load.summary.mean_batch; });
    run_row("batch p95, sequences", [](const LoadResult& load) { return load.summary.p95_batch; });
    run_row("requests in the system", [](const LoadResult& load) { return load.summary.mean_in_system; });
    if (point_.sides[1].cached_tokens > 0) cached_row();
    run_row("preemptions", [](const LoadResult& load) { return static_cast<double>(load.preemptions); });
  }

  void cached_row() {
    Row cells = {"prompt tokens from the cache"};
    for (const LoadResult& load : point_.sides)
      cells.push_back(load.asked_tokens > 0 ? fmt::format("{:.1f} %", 100 * load.cached_share()) : "-");
    rows_.push_back(std::move(cells));
  }

  void memory_rows() {
    side_row("weights, GB/device", [](const SideResult& side) { return side.memory.weights / kGigabyte; });
    side_row("metadata, GB/device", [](const SideResult& side) { return side.memory.metadata / kGigabyte; });
    row(
        "KV peak, GB/device", [&](std::size_t side) { return ran(side); },
        [&](std::size_t s) { return result_.sides[s].memory.kv_bytes(point_.sides[s].blocks_peak) / kGigabyte; });
    run_row("KV blocks peak", [](const LoadResult& load) { return static_cast<double>(load.blocks_peak); });
    side_row("KV blocks", [](const SideResult& side) { return static_cast<double>(side.memory.blocks); });
    side_row("sequences that fit", [](const SideResult& side) { return static_cast<double>(side.sequences_fit); });
  }

  const ServeResult& result_;
  const RatePoint& point_;
  std::vector<Row> rows_;
};

std::string header(const ServeResult& result, const std::string& load) {
  const auto count = result.points.front().sides[1].requests.size();
  const std::size_t requests = count > 0 ? count : static_cast<std::size_t>(result.spec.requests);
  return fmt::format("{} on {}: {} requests{}, {} tokens in and {} out in the mean, {} device{}\n\n",
                     printable(result.workload), printable(result.substrate), requests, load, figure(result.mean_input),
                     figure(result.mean_output), result.devices, result.devices == 1 ? "" : "s");
}

std::string notes(const ServeResult& result, const RatePoint& point) {
  std::string text;
  for (std::size_t side = 0; side < 2; ++side) {
    const SideResult& known = result.sides[side];
    if (!known.misfit.empty())
      text += fmt::format("  {}: {}\n", side_name(side), known.misfit);
    else if (point.sides[side].overloaded)
      text += fmt::format("  {}: overloaded: capacity {} requests/s, {} are offered; the queue grows without bound\n",
                          side_name(side), figure(known.capacity), figure(point.rate));
    else if (point.rate > kNearCapacity * known.capacity)
      text += fmt::format("  {}: so near to the capacity latencies still grow with the number of requests\n",
                          side_name(side));
  }
  return text;
}

std::string amdahl_line(const ServeResult& result, const RatePoint& point) {
  const LoadResult &dense = point.sides[0], &sparse = point.sides[1];
  if (!result.has_recipe || !result.sides[0].misfit.empty() || dense.overloaded) return {};
  const ServedCoverage c = coverage_of(dense.totals);
  std::string text = fmt::format(
      "  sparse kernels replace {:.1f} % of the dense steps' time and are {:.2f}x faster: "
      "Amdahl {:.2f}x\n",
      100 * c.coverage, c.kernel_speedup, c.amdahl);
  if (sparse.overloaded) return text;
  const double served = dense.summary.end_to_end.mean / sparse.summary.end_to_end.mean;
  text += fmt::format("  served: mean end to end {:.2f}x", served);
  if (result.sides[0].capacity > 0)
    text += fmt::format(", capacity {:.2f}x", result.sides[1].capacity / result.sides[0].capacity);
  return text + "; what differs from Amdahl is queueing and batching\n";
}

/// "0.2 ms to 5 ms of the host in each step and 1 GiB to 4 GiB reserved": what is guessed, and how far.
std::string guesses_text(const ServeInterval& interval) {
  using config::Dimension;
  const auto range = [](double low, double high, Dimension dimension) {
    return fmt::format("{} to {}", config::format_quantity(low, dimension), config::format_quantity(high, dimension));
  };
  std::string text;
  if (interval.overhead)
    text = range(kStepOverheadLow, kStepOverheadHigh, Dimension::time) + " of the host in each step";
  if (interval.overhead && interval.reserved) text += ", ";
  if (interval.reserved) text += range(kReservedLow, kReservedHigh, Dimension::bytes) + " reserved";
  return text;
}

/// The table of what the guesses leave open.
std::string interval_table(const ServeResult& result) {
  if (!result.interval) return {};
  std::vector<Row> rows;
  const auto add = [&](const char* name, const std::optional<FigureInterval>& f) {
    if (!f) return;
    const auto end = [](double value) { return std::isfinite(value) ? figure(value) : std::string("overloaded"); };
    Row cells = {name};
    for (const Interval& side : f->sides) cells.push_back(fmt::format("{} to {}", end(side.low), end(side.high)));
    cells.push_back(f->ratio ? fmt::format("{} to {}", change(1, f->ratio->low), change(1, f->ratio->high)) : "");
    rows.push_back(std::move(cells));
  };
  add("capacity, requests/s", result.interval->capacity);
  add("time to first token p50, ms", result.interval->first_token);
  add("time per output token p50, ms", result.interval->per_token);
  if (rows.empty()) return {};
  return fmt::format("\n  plausible with what is guessed: {}\n", guesses_text(*result.interval)) +
         format_table({{""}, {"dense", Align::right}, {"sparse", Align::right}, {"delta", Align::right}}, rows, 2);
}

/// One line of the table of several rates.
Row curve_row(const ServeResult& result, const RatePoint& point, std::size_t side) {
  const SideResult& known = result.sides[side];
  const LoadResult& load = point.sides[side];
  Row cells = {side == 0 ? figure(point.rate) : "", side_name(side)};
  if (!known.misfit.empty()) {
    cells.emplace_back("no fit");
    return cells;
  }
  cells.push_back(fmt::format("{:.1f} %", 100 * point.rate / known.capacity));
  if (load.overloaded) {
    cells.emplace_back("overloaded");
    return cells;
  }
  const ServiceSummary& s = load.summary;
  for (const double value :
       {s.first_token.p50, s.first_token.p95, s.per_token.p50, s.per_token.p95, s.end_to_end.p95, s.tokens_per_second})
    cells.push_back(figure(value));
  return cells;
}

std::string curve(const ServeResult& result) {
  std::vector<TableColumn> columns = {{"requests/s", Align::right}, {"", Align::left}};
  for (const char* name : {"load", "TTFT p50", "TTFT p95", "TPOT p50", "TPOT p95", "E2E p95", "tokens/s"})
    columns.push_back({name, Align::right});
  std::vector<Row> rows;
  for (const RatePoint& point : result.points)
    for (const std::size_t side : {0, 1}) rows.push_back(curve_row(result, point, side));
  std::string text = format_table(columns, rows, 2) + "\n  times in milliseconds, load as a share of the capacity\n";
  for (std::size_t side = 0; side < 2; ++side)
    text += result.sides[side].misfit.empty()
                ? fmt::format("  {}: capacity {} requests/s{}\n", side_name(side), figure(result.sides[side].capacity),
                              result.sides[side].goodput ? fmt::format(", goodput{} {}", slo_text(result.spec),
                                                                       figure(*result.sides[side].goodput))
                                                         : "")
                : fmt::format("  {}: {}\n", side_name(side), result.sides[side].misfit);
  return text;
}

}  // namespace

ServedCoverage coverage_of(const StepTotals& dense_run) {
  const PartTime& time = dense_run.time;
  const double all = time.dense + dense_run.host;
  const double replaced = time.dense - time.kept, by = time.sparse - time.kept;
  ServedCoverage result;
  if (all <= 0 || replaced <= 0 || by <= 0) return result;
  result.coverage = replaced / all;
  result.kernel_speedup = replaced / by;
  result.amdahl = 1 / ((1 - result.coverage) + result.coverage / result.kernel_speedup);
  return result;
}

std::string format_table(const ServeResult& result, const ServedQuality& quality) {
  std::string text;
  if (result.points.size() > 1) {
    text = header(result, " at each rate") + curve(result);
  } else {
    const RatePoint& point = result.points.front();
    text = header(result, point.rate > 0 ? fmt::format(" at {}/s", figure(point.rate))
                                         : fmt::format(" of {} users", result.spec.concurrency));
    text += format_table({{""}, {"dense", Align::right}, {"sparse", Align::right}, {"delta", Align::right}},
                         ServeTable(result, point).rows(quality), 2);
    text += interval_table(result) + "\n" + notes(result, point) + amdahl_line(result, point);
  }
  for (const auto& [name, reason] : result.fallbacks)
    text += fmt::format("  {} runs densely: {}\n", printable(name), printable(reason));
  if (!result.has_recipe) text += "  no recipe: dense and sparse are the same\n";
  return text;
}

}  // namespace sparsesim
