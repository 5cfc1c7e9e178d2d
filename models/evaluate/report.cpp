// Formats of a run's result: pure functions, documented key by key in docs/output.md.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/evaluate/run.h"
#include "sim/core/printable.h"

namespace sparsesim {

namespace {

using nlohmann::ordered_json;

struct Busy {
  Resource resource;
  double utilisation;
};

Busy busiest(const std::array<double, kResources>& busy, double seconds) {
  int best = 0;
  for (int r = 1; r < kResources; ++r)
    if (busy[r] > busy[best]) best = r;
  return {static_cast<Resource>(best), seconds > 0 ? busy[best] / seconds : 0};
}

ordered_json bound_json(const std::array<double, kResources>& busy, double seconds) {
  const Busy b = busiest(busy, seconds);
  return {{"resource", name(b.resource)}, {"utilisation", b.utilisation}};
}

ordered_json counters_json(const RunCounters& counters) {
  ordered_json out;
  RunCounters::visit(counters, [&](const char* key, double value, const char*) {
    if (std::string_view(key) != "remote_bytes" || value > 0) out[key] = value;  // of NUMA domains alone
  });
  return out;
}

ordered_json lost_json(const std::vector<LossTerm>& lost) {
  ordered_json out = ordered_json::array();
  for (const auto& term : lost) out.push_back({{"term", term.term}, {"factor", term.factor}});
  return out;
}

ordered_json aligned_json(const SparsitySummary& s) {
  return {{"cache", s.aligned_cache}, {"dispatch", s.aligned_dispatch}, {"transfer", s.aligned_transfer}};
}

ordered_json kernels_json(const std::vector<KernelUse>& kernels) {
  ordered_json out = ordered_json::array();
  for (const KernelUse& use : kernels)
    out.push_back({{"name", use.name}, {"launches", use.launches}, {"tasks", use.tasks}});
  return out;
}

ordered_json op_json(const OpResult& op) {
  const OpPrediction& p = op.prediction;
  const auto runs = static_cast<double>(op.repeat), left = static_cast<double>(op.repeat - op.removed);
  ordered_json out = {
      {"name", op.name},
      {"op", op.kind},
      {"pattern", op.pattern},
      {"repeat", op.repeat},
      {"declared_sparsity", p.sparsity.declared},
      {"ideal_speedup", ideal_speedup(p.sparsity.declared)},
      {"dense_us", op.dense_us()},
      {"sparse_us", op.sparse_us()},
      {"realised_speedup", op.realised_speedup()},
      {"aligned", aligned_json(p.sparsity)},
      {"quick_estimate", quick_estimate(p.sparsity)},
      {"lost", lost_json(op.lost)},
      {"bound",
       {{"dense", bound_json(p.dense.busy, p.dense.time.seconds())},
        {"sparse", bound_json(p.sparse.busy, p.sparse.time.seconds())}}},
      {"counters",
       {{"dense", counters_json(RunCounters(p.dense.counters).scale(runs))},
        {"sparse", counters_json(RunCounters(p.sparse.counters).scale(left))}}},
      {"kernels", {{"dense", kernels_json(p.dense.kernels)}, {"sparse", kernels_json(p.sparse.kernels)}}}};
  for (const SparsityFact& fact : p.sparsity.facts) out["facts"][fact.name] = fact.value;
  if (op.bubble > 0) out["bubble"] = op.bubble;
  if (op.removed > 0) out["removed"] = op.removed;
  if (p.dense.host.ps > 0 || p.sparse.host.ps > 0)
    out["host_us"] = {{"dense", p.dense.host.us() * runs}, {"sparse", p.sparse.host.us() * left}};
  if (p.fallback) out["fallback"] = p.fallback_reason;
  return out;
}

ordered_json spread_json(const Spread& s) { return {{"min", s.min}, {"p50", s.p50}, {"p95", s.p95}, {"max", s.max}}; }

ordered_json distribution_json(const Distribution& d) {
  return {{"first_seed", d.first_seed},
          {"seeds", d.seeds},
          {"dense_us", spread_json(d.dense_us)},
          {"sparse_us", spread_json(d.sparse_us)},
          {"realised_speedup", spread_json(d.realised_speedup)}};
}

/// What one side alone does has a ratio of 1e12 or so (speedup_of).
std::string times(double value) { return value >= 1e9 ? "inf" : fmt::format("{:.2f}x", value); }

std::string explain_term(const std::string& term) {
  if (term == "dense_efficiency") return "dense kernels run nearer to their peak than the sparse ones";
  if (term == "granule_padding") return "work rounded up to tiles";
  if (term == "metadata") return "indices, routing, sorting";
  if (term == "overfetch") return "lines fetched for a part of their bytes, irregular access";
  if (term == "imbalance") return "uneven work, waves and tails";
  if (term == "fabric") return "exchanges between devices";
  if (term == "host") return "the host issues kernels later than the device could start them";
  return "launches, set-up, drain";
}

std::string distribution_table(const Distribution& d) {
  std::string out =
      fmt::format("  {:<24} {:>12} {:>12} {:>12} {:>12}\n", fmt::format("over {} seeds from {}", d.seeds, d.first_seed),
                  "min", "p50", "p95", "max");
  const auto row = [&](const char* what, const Spread& s, auto format) {
    out += fmt::format("    {:<22} {:>12} {:>12} {:>12} {:>12}\n", what, format(s.min), format(s.p50), format(s.p95),
                       format(s.max));
  };
  const auto us = [](double value) { return fmt::format("{:.1f}", value); };
  row("dense us", d.dense_us, us);
  row("sparse us", d.sparse_us, us);
  row("speedup", d.realised_speedup, times);
  return out + "\n";
}

/// "attention.qkv x32", "attention.qkv x32+12" with the time of 12 more that a pipeline stands still, or
/// "attention.qkv x32-16" where the recipe removes 16.
std::string label(const OpResult& op) {
  const std::string name = printable(op.name);
  if (op.bubble > 0) return fmt::format("{} x{}+{}", name, op.repeat, op.bubble);
  if (op.removed > 0) return fmt::format("{} x{}-{}", name, op.repeat, op.removed);
  return op.repeat > 1 ? fmt::format("{} x{}", name, op.repeat) : name;
}

/// Columns that a text takes on a terminal: one per character of UTF-8.
std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string kernels_text(const std::vector<KernelUse>& kernels) {
  std::string text;
  for (const KernelUse& use : kernels)
    text +=
        fmt::format("{}{} ({} task{}{})", text.empty() ? "" : ", ", printable(use.name), use.tasks,
                    use.tasks == 1 ? "" : "s", use.launches > 1 ? fmt::format(" in {} launches", use.launches) : "");
  return text.empty() ? "none" : text;
}

/// What ran, of one run of the op: "hopper_128x256 (1840 tasks) -> cusparselt_128x256 (1376 tasks)".
std::string kernels_line(const OpPrediction& p) {
  const std::string dense = kernels_text(p.dense.kernels), sparse = kernels_text(p.sparse.kernels);
  return fmt::format("    {}\n", dense == sparse ? dense : fmt::format("{} -> {}", dense, sparse));
}

std::string facts_line(const SparsitySummary& sparsity) {
  std::string facts;
  for (const SparsityFact& fact : sparsity.facts)
    facts += fmt::format("{}{} {:.3g}", facts.empty() ? "    " : ", ", fact.name, fact.value);
  std::replace(facts.begin(), facts.end(), '_', ' ');
  return facts.empty() ? facts : facts + "\n";
}

ordered_json memory_json(const RunMemory& memory) {
  const PassMemory& need = memory.need;
  return {{"devices", memory.devices},
          {"dense_weights_bytes", need.dense_weights},
          {"weights_bytes", need.bytes.weights},
          {"metadata_bytes", need.bytes.metadata},
          {"kv_bytes", need.kv},
          {"gradients_bytes", need.gradients},
          {"optimizer_bytes", need.optimizer},
          {"activations_bytes", need.activations},
          {"total_bytes", need.total()},
          {"capacity_bytes", memory.capacity},
          {"fits", memory.fits()}};
}

std::string gigabytes(double bytes) { return fmt::format("{:.2f} GB", bytes / 1e9); }

std::string memory_line(const RunMemory& memory) {
  const PassMemory& need = memory.need;
  std::string out = fmt::format("  memory of {}: weights {}", memory.devices > 1 ? "each device" : "the device",
                                gigabytes(need.bytes.weights));
  if (need.dense_weights != need.bytes.weights) out += fmt::format(" (dense {})", gigabytes(need.dense_weights));
  if (need.bytes.metadata > 0) out += fmt::format(", metadata {}", gigabytes(need.bytes.metadata));
  if (need.kv > 0) out += fmt::format(", keys and values {}", gigabytes(need.kv));
  if (need.gradients > 0) out += fmt::format(", gradients {}", gigabytes(need.gradients));
  if (need.optimizer > 0) out += fmt::format(", optimizer {}", gigabytes(need.optimizer));
  if (need.activations > 0) out += fmt::format(", activations {}", gigabytes(need.activations));
  return out + fmt::format(": {} {}\n\n", memory.fits() ? "fits in" : "DOES NOT FIT in", gigabytes(memory.capacity));
}

ordered_json training_json(const RunTraining& t) {
  return {{"tokens", t.tokens},
          {"dense_tokens_per_second_per_device", t.dense_rate},
          {"tokens_per_second_per_device", t.rate},
          {"dense_model_flops_utilisation", t.dense_share},
          {"model_flops_utilisation", t.share}};
}

std::string training_line(const RunTraining& t) {
  const bool same = t.dense_rate == t.rate;
  std::string out = fmt::format("  training: {:.0f} tokens/s per device", t.rate);
  if (!same) out += fmt::format(" (dense {:.0f})", t.dense_rate);
  if (t.dense_share > 0) out += fmt::format(", MFU{} {:.1f} %", same ? "" : " of the dense step", 100 * t.dense_share);
  return out + "\n\n";
}

std::string host_line(const RunResult& r) {
  std::string out = fmt::format("  host ({}): issuing takes {:.1f} us", name(r.host), r.sparse_issue.us());
  if (r.dense_issue != r.sparse_issue) out += fmt::format(" (dense {:.1f} us)", r.dense_issue.us());
  return out + "\n\n";
}

}  // namespace

std::string format_json(const RunResult& r) {
  ordered_json out = {
      {"substrate", r.substrate},
      {"workload", r.workload},
      {"declared_sparsity", r.sparsity.declared},
      {"ideal_speedup", r.ideal_speedup},
      {"dense_us", r.dense.us()},
      {"sparse_us", r.sparse.us()},
      {"realised_speedup", r.realised_speedup()},
      {"aligned", aligned_json(r.sparsity)},
      {"quick_estimate", r.quick_estimate},
      {"lost", lost_json(r.lost)},
      {"bound",
       {{"dense", bound_json(r.dense_busy, r.dense.seconds())},
        {"sparse", bound_json(r.sparse_busy, r.sparse.seconds())}}},
      {"counters", {{"dense", counters_json(r.dense_counters)}, {"sparse", counters_json(r.sparse_counters)}}},
      {"coverage", r.coverage},
      {"amdahl", r.amdahl}};
  if (r.host != HostKind::graph)
    out["host"] = {{"kind", name(r.host)}, {"dense_us", r.dense_issue.us()}, {"sparse_us", r.sparse_issue.us()}};
  if (r.interval.high > 0) out["interval"] = {{"low", r.interval.low}, {"high", r.interval.high}};
  if (r.distribution) out["distribution"] = distribution_json(*r.distribution);
  if (r.memory) out["memory"] = memory_json(*r.memory);
  if (!r.notes.empty()) out["notes"] = r.notes;
  if (r.training) out["training"] = training_json(*r.training);
  ordered_json ops = ordered_json::array();
  for (const auto& op : r.ops) ops.push_back(op_json(op));
  out["ops"] = std::move(ops);
  out["provenance"] = {{"version", SPARSESIM_VERSION}, {"seed", r.seed}, {"inputs_hash", r.inputs_hash}};
  return out.dump(2) + "\n";
}

std::string format_summary(const RunResult& r) {
  std::string out = fmt::format("{} on {}: dense {:.1f} us, sparse {:.1f} us, realised {} of ideal {}",
                                printable(r.workload), printable(r.substrate), r.dense.us(), r.sparse.us(),
                                times(r.realised_speedup()), times(r.ideal_speedup));
  if (r.interval.high > 0) out += fmt::format(" (plausible {} to {})", times(r.interval.low), times(r.interval.high));
  if (r.memory && !r.memory->fits())
    out += fmt::format("; does not fit: {} of {} per device", gigabytes(r.memory->need.total()),
                       gigabytes(r.memory->capacity));
  if (r.distribution) {
    const Distribution& d = *r.distribution;
    out += fmt::format("; over {} seeds sparse p50 {:.1f} us, p95 {:.1f} us, realised p50 {}", d.seeds, d.sparse_us.p50,
                       d.sparse_us.p95, times(d.realised_speedup.p50));
  }
  return out + "\n";
}

std::string format_table(const RunResult& r, bool kernels) {
  std::size_t width = 24;  // of the names
  for (const auto& op : r.ops) width = std::max(width, columns_of(label(op)));
  const auto us = [](double value) { return fmt::format("{:.1f}", value); };
  const std::size_t digits = std::max({us(r.dense.us()).size(), us(r.sparse.us()).size(), std::size_t{12}});
  std::string out = fmt::format("{} on {}\n\n", printable(r.workload), printable(r.substrate));
  const auto row = [&](const std::string& name, const std::string& dense, const std::string& sparse,
                       const std::string& speedup, const std::string& ideal, const std::string& bound) {
    const std::string blanks(width - columns_of(name), ' ');
    out += fmt::format("  {0}{1} {3:>{2}} {4:>{2}} {5:>9} {6:>9}  {7}\n", name, blanks, digits, dense, sparse, speedup,
                       ideal, bound);
  };
  row("op", "dense us", "sparse us", "speedup", "ideal", "bound (dense -> sparse)");
  for (const auto& op : r.ops) {
    const auto& p = op.prediction;
    const bool cost_alone = p.dense.time.ps == 0;  // a pass that dense weights do not need
    row(label(op), us(op.dense_us()), us(op.sparse_us()), cost_alone ? "-" : times(op.realised_speedup()),
        times(ideal_speedup(p.sparsity.declared)),
        fmt::format("{} -> {}", name(p.dense.bound()), name(p.sparse.bound())));
    if (kernels) out += kernels_line(p);
    if (p.fallback) out += fmt::format("    runs densely: {}\n", printable(p.fallback_reason));
    out += facts_line(p.sparsity);
  }
  const Busy d = busiest(r.dense_busy, r.dense.seconds()), s = busiest(r.sparse_busy, r.sparse.seconds());
  row("total", us(r.dense.us()), us(r.sparse.us()), times(r.realised_speedup()), times(r.ideal_speedup),
      fmt::format("{} -> {}\n", name(d.resource), name(s.resource)));
  if (r.host != HostKind::graph) out += host_line(r);
  if (r.memory) out += memory_line(*r.memory);
  for (const std::string& note : r.notes) out += fmt::format("  {}\n\n", printable(note));
  if (r.training) out += training_line(*r.training);
  if (r.distribution) out += distribution_table(*r.distribution);
  if (r.sparsity.declared <= 0) return out + "  nothing is sparse here: the dense time is the result\n";
  out += fmt::format("  declared sparsity {:.1f} %, ideal {}, realised {}", 100 * r.sparsity.declared,
                     times(r.ideal_speedup), times(r.realised_speedup()));
  if (r.interval.high > 0) out += fmt::format(" (plausible {} to {})", times(r.interval.low), times(r.interval.high));
  out += fmt::format("\n  quick estimate {} from aligned zeros: cache {:.2f}, dispatch {:.2f}, transfer {:.2f}\n",
                     times(r.quick_estimate), r.sparsity.aligned_cache, r.sparsity.aligned_dispatch,
                     r.sparsity.aligned_transfer);
  out += fmt::format("  sparse kernels replace {:.1f} % of the dense time; Amdahl {}\n\n  where the rest went:\n",
                     100 * r.coverage, times(r.amdahl));
  double speedup = r.ideal_speedup;
  for (const auto& term : r.lost) {
    speedup /= term.factor;
    out += fmt::format("    {:<18} {:>6}  -> {:>8}   {}\n", term.term, fmt::format("/{:.2f}", term.factor),
                       times(speedup), explain_term(term.term));
  }
  return out;
}

}  // namespace sparsesim
