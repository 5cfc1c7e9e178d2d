// Curves of latency against load, as CSV.

#include <fmt/format.h>

#include "models/serving/batch_serve.h"
#include "models/serving/serve_report.h"
#include "sim/stats/csv.h"

namespace sparsesim {
namespace {

using Columns = std::vector<std::string>;

void add_latency(Columns& columns, const char* latency) {
  for (const char* which : {"mean", "p50", "p95", "p99"}) columns.push_back(fmt::format("{}_{}_ms", latency, which));
}

Columns first_columns() { return {"rate", "side", "capacity_requests_per_s", "load", "overloaded"}; }

void add_numbers(Columns& cells, std::initializer_list<double> values) {
  for (const double value : values) cells.push_back(fmt::format("{}", value));
}

void add_percentiles(Columns& cells, const Percentiles& p) { add_numbers(cells, {p.mean, p.p50, p.p95, p.p99}); }

/// What every service says of a point; `capacity` 0: none.
Columns first_cells(double rate, std::size_t side, double capacity, bool overloaded) {
  Columns cells;
  add_numbers(cells, {rate});
  cells.emplace_back(side == 0 ? "dense" : "sparse");
  if (capacity > 0) add_numbers(cells, {capacity, rate / capacity});
  cells.resize(4);
  cells.emplace_back(overloaded ? "1" : "0");
  return cells;
}

}  // namespace

std::string format_points(const ServeResult& result) {
  Columns columns = first_columns();
  for (const char* name : {"time_to_first_token", "time_per_output_token", "inter_token_latency", "end_to_end"})
    add_latency(columns, name);
  for (const char* name : {"requests_per_s", "tokens_per_s", "output_tokens_per_s", "batch_mean", "kv_blocks_peak"})
    columns.emplace_back(name);
  std::string text = csv_line(columns);
  for (const RatePoint& point : result.points)
    for (std::size_t side = 0; side < 2; ++side) {
      const LoadResult& load = point.sides[side];
      if (!result.sides[side].misfit.empty()) continue;
      Columns cells = first_cells(point.rate, side, result.sides[side].capacity, load.overloaded);
      if (!load.overloaded) {
        const ServiceSummary& s = load.summary;
        for (const Percentiles& p : {s.first_token, s.per_token, s.gap, s.end_to_end}) add_percentiles(cells, p);
        add_numbers(cells, {s.requests_per_second, s.tokens_per_second, s.output_per_second, s.mean_batch,
                            static_cast<double>(load.blocks_peak)});
      }
      cells.resize(columns.size());
      text += csv_line(cells);
    }
  return text;
}

std::string format_points(const BatchServeResult& result) {
  Columns columns = first_columns();
  for (const char* name : {"end_to_end", "queue"}) add_latency(columns, name);
  for (const char* name : {"requests_per_s", "batch_mean"}) columns.emplace_back(name);
  std::string text = csv_line(columns);
  for (const BatchPoint& point : result.points)
    for (std::size_t side = 0; side < 2; ++side) {
      Columns cells = first_cells(point.rate, side, point.rate > 0 ? result.capacity[side] : 0, point.overloaded[side]);
      if (!point.overloaded[side]) {
        const ServiceSummary& s = point.sides[side];
        for (const Percentiles& p : {s.end_to_end, s.wait}) add_percentiles(cells, p);
        add_numbers(cells, {s.requests_per_second, s.mean_batch});
      }
      cells.resize(columns.size());
      text += csv_line(cells);
    }
  return text;
}

}  // namespace sparsesim
