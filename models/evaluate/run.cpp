#include "models/evaluate/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/evaluate/interval.h"

namespace sparsesim {

namespace {

/// When ops start and the whole ends: an op waits for its dependencies and for the streams it needs
/// (one for kernels, one for exchanges), so that an exchange can hide behind an independent kernel.
class Schedule {
 public:
  Time place(const WorkloadOp& op, const ProgramResult& result) {
    Time start;
    for (int dependency : op.after) start = std::max(start, ends_[static_cast<std::size_t>(dependency)]);
    if (result.uses_devices) start = std::max(start, devices_);
    if (result.uses_fabric) start = std::max(start, fabric_);
    const Time end = start + result.time * op.repeat;
    if (result.uses_devices) devices_ = end;
    if (result.uses_fabric) fabric_ = end;
    ends_.push_back(end);
    makespan_ = std::max(makespan_, end);
    return start;
  }
  Time makespan() const { return makespan_; }

 private:
  std::vector<Time> ends_;
  Time devices_, fabric_, makespan_;
};

/// Seconds of all ops, one prefix of mechanisms after the other.
void add(Counterfactuals& total, const Counterfactuals& op, std::int64_t repeat) {
  total.dense_seconds.resize(op.dense_seconds.size());
  total.sparse_seconds.resize(op.sparse_seconds.size());
  for (std::size_t i = 0; i < op.dense_seconds.size(); ++i) {
    total.dense_seconds[i] += op.dense_seconds[i] * static_cast<double>(repeat);
    total.sparse_seconds[i] += op.sparse_seconds[i] * static_cast<double>(repeat);
  }
}

/// Declared sparsity of the whole is the share of the dense time that would vanish ideally; the aligned shares are
/// means over the zeros of each op, weighted by that time.
SparsitySummary summarise(const std::vector<OpResult>& ops) {
  double dense = 0, zeros = 0, cache = 0, dispatch = 0, transfer = 0;
  for (const auto& op : ops) {
    const SparsitySummary& s = op.prediction.sparsity;
    const double weight = op.dense_us() * s.declared;
    dense += op.dense_us();
    zeros += weight;
    cache += weight * s.aligned_cache;
    dispatch += weight * s.aligned_dispatch;
    transfer += weight * s.aligned_transfer;
  }
  if (zeros <= 0) return {};
  return {zeros / dense, cache / zeros, dispatch / zeros, transfer / zeros};
}

void fill_coverage(RunResult& result) {
  double total = 0, covered = 0, covered_sparse = 0;
  for (const auto& op : result.ops) {
    total += op.dense_us();
    if (op.pattern == "dense" || op.prediction.fallback) continue;
    covered += op.dense_us();
    covered_sparse += op.sparse_us();
  }
  result.coverage = total > 0 ? covered / total : 0;
  result.amdahl = covered > 0 ? 1 / ((1 - result.coverage) + result.coverage * covered_sparse / covered) : 1;
}

void name_tracks(Timeline& timeline, int devices) {
  for (int device = 0; device < devices; ++device) timeline.name_process(device, fmt::format("device {}", device));
  timeline.name_process(devices, "fabric");
}

}  // namespace

RunResult run(const Workload& workload, const Substrate& substrate, const RunOptions& options) {
  RunResult result;
  result.substrate = substrate.name;
  result.workload = workload.name;
  result.seed = options.seed;
  result.inputs_hash = fnv1a(fmt::format("{}\n{}\n{}", dump_substrate(substrate), workload.resolved, options.seed));
  LaunchMemo memo;  // counterfactuals and shifted machines repeat most launches
  Schedule dense, sparse;
  Counterfactuals whole;
  int devices = 1;
  for (const auto& entry : workload.ops) {
    OpResult op;
    op.name = entry.name;
    op.kind = entry.op->kind();
    op.pattern = entry.op->pattern();
    op.repeat = entry.repeat;
    op.prediction = predict(*entry.op, substrate, options.seed, &memo);
    const Counterfactuals runs = counterfactuals(*entry.op, substrate, options.seed, op.prediction, &memo);
    op.lost = waterfall(ideal_speedup(op.prediction.sparsity.declared), runs);
    add(whole, runs, entry.repeat);
    op.dense_start = dense.place(entry, op.prediction.dense);
    op.sparse_start = sparse.place(entry, op.prediction.sparse);
    result.dense_counters += RunCounters(op.prediction.dense.counters).scale(static_cast<double>(entry.repeat));
    result.sparse_counters += RunCounters(op.prediction.sparse.counters).scale(static_cast<double>(entry.repeat));
    for (int r = 0; r < kResources; ++r) {
      result.dense_busy[r] += op.prediction.dense.busy[r] * static_cast<double>(entry.repeat);
      result.sparse_busy[r] += op.prediction.sparse.busy[r] * static_cast<double>(entry.repeat);
    }
    devices = std::max(devices, entry.op->devices());
    if (options.timeline) {
      const Program program = entry.op->lower({substrate, {}, options.seed});
      play_program(program, substrate, {}, &memo, {options.timeline, op.sparse_start, entry.name});
    }
    result.ops.push_back(std::move(op));
  }
  if (options.timeline) name_tracks(*options.timeline, devices);
  result.dense = dense.makespan();
  result.sparse = sparse.makespan();
  result.sparsity = summarise(result.ops);
  result.ideal_speedup = ideal_speedup(result.sparsity.declared);
  result.quick_estimate = quick_estimate(result.sparsity);
  // The last prefix is the real run; overlap between ops is real too, so it replaces the plain sum there.
  whole.dense_seconds.back() = result.dense.seconds();
  whole.sparse_seconds.back() = result.sparse.seconds();
  result.lost = waterfall(result.ideal_speedup, whole);
  fill_coverage(result);
  if (options.interval)
    result.interval = speedup_interval(workload, substrate, options.seed, result.realised_speedup(), &memo);
  return result;
}

std::string fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return fmt::format("{:016x}", hash);
}

}  // namespace sparsesim
