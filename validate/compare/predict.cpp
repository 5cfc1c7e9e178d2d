#include "validate/compare/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "models/evaluate/run.h"
#include "models/ops/registry.h"
#include "sim/core/parallel.h"
#include "validate/compare/model_rows.h"

namespace sparsesim {

namespace {

/// Threads start on the rows that look largest, so that none is left alone with a long one at the end.
double guessed_cost(const MeasuredOp& op) {
  const auto size = [](std::int64_t n) { return static_cast<double>(std::max<std::int64_t>(n, 1)); };
  return size(op.m) * size(op.n) * size(op.k) * op.devices;
}

std::string first_line(const char* text) {
  const std::string whole = text;
  return whole.substr(0, whole.find('\n'));
}

using Machines = std::vector<std::pair<std::shared_ptr<const Substrate>, std::string>>;  // or the reason for none

/// One machine per row, read up front so that threads only look.
Machines machines_of(const std::vector<const Measurement*>& rows, SubstrateCache& substrates) {
  Machines machines;
  for (const Measurement* row : rows) {
    try {
      machines.emplace_back(substrates.get(row->device), "");
    } catch (const UnsupportedError& error) {
      machines.emplace_back(nullptr, error.what());
    }
  }
  return machines;
}

void check_devices(const Measurement& row, const Substrate& substrate) {
  if (row.op.devices > 1 && row.op.devices > substrate.fabric.devices)
    throw UnsupportedError(fmt::format("{} has a fabric of {} devices, the row needs {}", substrate.name,
                                       substrate.fabric.devices, row.op.devices));
}

/// A layer or a model: all of its ops, as `run` plays a workload.
void simulate_model(const Measurement& row, const Substrate& substrate, std::uint64_t seed, RowPrediction& out) {
  const Workload workload = workload_from_row(row.op);
  const RunResult result = run(workload, substrate, {.seed = seed, .interval = false, .explain = false});
  if (result.sparse.ps <= 0) throw UnsupportedError("the simulated time is zero");
  for (const OpResult& op : result.ops)
    if (row.has_twin() && op.prediction.fallback) throw UnsupportedError(op.prediction.fallback_reason);
  out.time_us = result.sparse.us();
  const auto busiest = std::max_element(result.sparse_busy.begin(), result.sparse_busy.end());
  out.bound = name(static_cast<Resource>(busiest - result.sparse_busy.begin()));
  out.counters = result.sparse_counters;
  if (!row.has_twin()) return;
  out.speedup = result.realised_speedup();
  out.declared_sparsity = result.sparsity.declared;
}

void simulate(const Measurement& row, const Substrate& substrate, std::uint64_t seed, RowPrediction& out) {
  check_devices(row, substrate);
  if (is_model_row(row.op)) return simulate_model(row, substrate, seed, out);
  const std::unique_ptr<Op> op = op_from_row(row.op);
  ProgramResult sparse;
  if (row.has_twin()) {
    const OpPrediction both = predict(*op, substrate, seed);
    if (both.fallback) throw UnsupportedError(both.fallback_reason);
    sparse = both.sparse;
    out.speedup = both.realised_speedup();
    out.declared_sparsity = both.sparsity.declared;
  } else {
    sparse = predict_sparse(*op, substrate, seed);
  }
  if (sparse.time.ps <= 0) throw UnsupportedError("the simulated time is zero");
  out.time_us = sparse.time.us();
  out.bound = name(sparse.bound());
  out.counters = sparse.counters;
}

/// What a row runs: one op, or those of a model.
std::vector<WorkloadOp> ops_of_row(const Measurement& row) {
  if (is_model_row(row.op)) return std::move(workload_from_row(row.op).ops);
  std::vector<WorkloadOp> one(1);
  one.front().op = op_from_row(row.op);
  return one;
}

/// Seconds of all ops, one after the other, and the share of the dense ones that would vanish ideally.
struct RowRuns {
  Counterfactuals runs;
  double declared = 0;
};
RowRuns runs_of_row(const Measurement& row, const Substrate& substrate, std::uint64_t seed) {
  RowRuns sum;
  double dense = 0;
  LaunchMemo memo;
  for (const WorkloadOp& entry : ops_of_row(row)) {
    const OpPrediction real = predict(*entry.op, substrate, seed, &memo);
    const Counterfactuals runs = counterfactuals(*entry.op, substrate, seed, real, &memo);
    const auto times = static_cast<double>(entry.passes());
    sum.runs.dense_seconds.resize(runs.dense_seconds.size());
    sum.runs.sparse_seconds.resize(runs.sparse_seconds.size());
    for (std::size_t i = 0; i < runs.dense_seconds.size(); ++i) {
      sum.runs.dense_seconds[i] += times * runs.dense_seconds[i];
      sum.runs.sparse_seconds[i] += times * runs.sparse_seconds[i];
    }
    dense += times * real.dense_us();
    sum.declared += times * real.dense_us() * real.sparsity.declared;
  }
  sum.declared = dense > 0 ? sum.declared / dense : 0;
  return sum;
}

/// The waterfall where there is a twin, else how each mechanism lengthens the time.
std::vector<LossTerm> lost_terms(const Measurement& row, const Substrate& substrate, std::uint64_t seed) {
  const auto [runs, declared] = runs_of_row(row, substrate, seed);
  if (row.has_twin()) return waterfall(ideal_speedup(declared), runs);
  std::vector<LossTerm> terms;
  const auto names = loss_term_names();
  const auto seconds = [&runs = runs](std::size_t i) {
    return std::max(runs.sparse_seconds[i], 1e-12);
  };  // ideal exchanges: none
  for (std::size_t i = 1; i < names.size(); ++i) terms.push_back({names[i], seconds(i) / seconds(i - 1)});
  return terms;
}

std::string largest_loss(const std::vector<LossTerm>& terms) {
  const auto most =
      std::max_element(terms.begin(), terms.end(), [](const auto& a, const auto& b) { return a.factor < b.factor; });
  return most->factor > 1.0 ? most->term : "none";
}

}  // namespace

std::shared_ptr<const Substrate> SubstrateCache::get(const std::string& name) {
  const auto [found, fresh] = entries_.try_emplace(name);
  Entry& entry = found->second;
  if (fresh) {
    try {
      entry.substrate = std::make_shared<const Substrate>(load_substrate(name, search_));
    } catch (const config::ConfigError& error) {
      entry.reason = first_line(error.what());
    }
  }
  if (!entry.substrate) throw UnsupportedError(entry.reason);
  return entry.substrate;
}

std::vector<std::shared_ptr<const Substrate>> SubstrateCache::loaded() const {
  std::map<std::string, std::shared_ptr<const Substrate>> by_name;
  for (const auto& [name, entry] : entries_)
    if (entry.substrate) by_name.emplace(entry.substrate->name, entry.substrate);
  std::vector<std::shared_ptr<const Substrate>> out;
  for (const auto& [name, substrate] : by_name) out.push_back(substrate);
  return out;
}

std::vector<RowPrediction> predict_rows(const std::vector<const Measurement*>& rows, SubstrateCache& substrates,
                                        const PredictOptions& options) {
  const Machines machines = machines_of(rows, substrates);
  std::vector<std::size_t> order(rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return guessed_cost(rows[a]->op) > guessed_cost(rows[b]->op); });
  std::vector<RowPrediction> predictions(rows.size());
  const auto work = [&](std::size_t n) {
    const std::size_t i = order[n];
    RowPrediction& out = predictions[i];
    const auto start = std::chrono::steady_clock::now();
    try {
      if (!machines[i].first) throw UnsupportedError(machines[i].second);
      simulate(*rows[i], *machines[i].first, options.seed, out);
    } catch (const std::exception& error) {
      out = RowPrediction{};
      out.failed = true;
      out.reason = first_line(error.what());
    }
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const auto done = [&](std::size_t n) {
    if (options.progress) options.progress(n, rows.size());
  };
  for_each_index(rows.size(), options.threads, work, done, options.stop);
  if (options.stop && options.stop->load()) throw Interrupted();
  return predictions;
}

void explain_rows(const std::vector<const Measurement*>& rows, std::vector<RowPrediction>& predictions,
                  const std::vector<std::size_t>& which, SubstrateCache& substrates, const PredictOptions& options) {
  const Machines machines = machines_of(rows, substrates);
  const auto work = [&](std::size_t n) {
    const std::size_t i = which[n];
    if (predictions[i].failed) return;
    try {
      predictions[i].lost = lost_terms(*rows[i], *machines[i].first, options.seed);
      predictions[i].largest_loss = largest_loss(predictions[i].lost);
    } catch (const std::exception& error) {
      predictions[i].largest_loss = fmt::format("not explained: {}", first_line(error.what()));
    }
  };
  for_each_index(which.size(), options.threads, work, {}, options.stop);
  if (options.stop && options.stop->load()) throw Interrupted();
}

}  // namespace sparsesim
