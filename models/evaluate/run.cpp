#include "models/evaluate/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "models/evaluate/interval.h"
#include "models/evaluate/schedule.h"
#include "models/ops/attention/attention.h"
#include "models/ops/limits.h"

namespace sparsesim {

namespace {

/// Seconds of all ops, one prefix of mechanisms after the other.
void add(Counterfactuals& total, const Counterfactuals& op, std::int64_t dense, std::int64_t sparse) {
  total.dense_seconds.resize(op.dense_seconds.size());
  total.sparse_seconds.resize(op.sparse_seconds.size());
  for (std::size_t i = 0; i < op.dense_seconds.size(); ++i) {
    total.dense_seconds[i] += op.dense_seconds[i] * static_cast<double>(dense);
    total.sparse_seconds[i] += op.sparse_seconds[i] * static_cast<double>(sparse);
  }
}

/// The zeros of all runs of an op, of which a share is removed: those are zeros that nobody moves or computes.
SparsitySummary with_removed(SparsitySummary one, double removed) {
  const double own = one.declared * (1 - removed);
  if (removed <= 0 || own + removed <= 0) return one;
  const auto mean = [&](double aligned) { return (own * aligned + removed) / (own + removed); };
  one.declared = own + removed;
  one.aligned_cache = mean(one.aligned_cache);
  one.aligned_dispatch = mean(one.aligned_dispatch);
  one.aligned_transfer = mean(one.aligned_transfer);
  return one;
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

/// Errors: UnsupportedError where a model is spread over more devices than there are.
std::optional<RunMemory> memory_on(const Workload& workload, const Substrate& substrate) {
  if (!workload.model) return std::nullopt;
  const Model& model = workload.model->model;
  const std::int64_t devices = model.parallel.devices(), most = std::max(1, substrate.fabric.devices);
  if (devices > most)
    throw UnsupportedError(fmt::format("{}: the model is spread over {} devices, {} has {}", workload.name, devices,
                                       substrate.name, most));
  const PassMemory need =
      workload.model->training ? memory_of(model, *workload.model->training) : memory_of(model, workload.model->pass);
  return RunMemory{devices, need, substrate.memory.dram_bytes.value};
}

std::optional<RunTraining> training_on(const Workload& workload, const Substrate& substrate, Time dense, Time sparse) {
  if (!workload.model || !workload.model->training || dense.ps <= 0 || sparse.ps <= 0) return std::nullopt;
  const auto& [model, pass, step, resolved] = *workload.model;
  const auto devices = static_cast<double>(model.parallel.devices());
  const auto& rates = substrate.compute.pipes.tensor;
  const auto rate = rates.find(model.shape.dtype);
  const double peak = rate == rates.end() ? 0 : rate->second.dense * substrate.compute.units * substrate.compute.clock;
  RunTraining out;
  out.tokens = static_cast<double>(step->batch) * static_cast<double>(step->seq);
  const double flops = model_flops(model, *step) / devices;
  out.dense_rate = out.tokens / devices / dense.seconds();
  out.rate = out.tokens / devices / sparse.seconds();
  if (peak > 0) out.dense_share = flops / dense.seconds() / peak;
  if (peak > 0) out.share = flops / sparse.seconds() / peak;
  return out;
}

/// An op whose operands a device cannot hold, or whose dense twin's it cannot: its time is a what-if.
std::string misfit_of(const WorkloadOp& entry, const Substrate& substrate) {
  const double capacity = substrate.memory.dram_bytes;
  const auto needs = [&](bool dense) {
    return fmt::format("holds {:.2f} GB at least, the memory of {} {:.2f} GB", entry.op->held_bytes(dense) / 1e9,
                       substrate.name, capacity / 1e9);
  };
  if (entry.op->held_bytes(false) > capacity)
    return fmt::format("op \"{}\" DOES NOT FIT: it {}", entry.name, needs(false));
  if (entry.op->held_bytes(true) > capacity)
    return fmt::format("the dense twin of op \"{}\" does not fit: it {}", entry.name, needs(true));
  return {};
}

std::vector<std::string> notes_on(const Workload& workload, const Substrate& substrate) {
  std::vector<std::string> notes;
  if (workload.model) {  // whose memory is counted as a whole: memory_on()
    const ModelShape& shape = workload.model->model.shape;
    if (shape.weights.any()) notes.push_back(why_unpacked(shape.weights, shape.dtype, substrate));
    if (!shape.kv_dtype.empty()) notes.push_back(why_keys_unpacked(shape.kv_dtype, shape.head_dim, substrate));
  } else {
    for (const WorkloadOp& entry : workload.ops) notes.push_back(misfit_of(entry, substrate));
  }
  std::erase(notes, "");
  return notes;
}

void name_tracks(Timeline& timeline, int devices) {
  for (int device = 0; device < devices; ++device) timeline.name_process(device, fmt::format("device {}", device));
  timeline.name_process(devices, "fabric");
  std::set<std::pair<int, int>> tracks;
  for (const Span& span : timeline.spans()) tracks.emplace(span.process, span.thread);
  for (const auto& [process, thread] : tracks)
    timeline.name_thread(process, thread,
                         thread > 0          ? fmt::format("slot {}", thread - 1)
                         : process < devices ? "kernels"
                                             : "exchanges");
}

/// A workload while its ops are simulated one after the other.
class WorkloadRun {
 public:
  WorkloadRun(const Workload& workload, const Substrate& substrate, const RunOptions& options, LaunchMemo& memo)
      : workload_(workload),
        substrate_(substrate),
        options_(options),
        memo_(memo),
        host_(host_of(workload.host, substrate)),
        only_times_(!options.explain),
        all_dense_(std::all_of(workload.ops.begin(), workload.ops.end(),
                               [](const WorkloadOp& op) { return op.op->pattern() == "dense" && op.removed == 0; })) {
    result_.substrate = substrate.name;
    result_.workload = workload.name;
    result_.seed = options.seed;
    result_.host = workload.host;
  }

  /// Errors get the place of the op in its file: ConfigError for sizes that no run can hold, UnsupportedError.
  void add_at_its_place(const WorkloadOp& entry) {
    const auto at_op = [&](const std::string& what) {
      return config::ConfigError(config::Mistake{entry.place, fmt::format("op \"{}\": {}", entry.name, what), {}, {}});
    };
    try {
      add(entry);
    } catch (const TooLargeError& error) {
      throw at_op(error.what());
    } catch (const std::overflow_error&) {
      throw at_op("too large: it takes longer than 106 days, the most that a simulated time can hold");
    } catch (const UnsupportedError& error) {
      throw UnsupportedError(at_op(error.what()).what());
    }
  }

  RunResult result() {
    result_.memory = memory_on(workload_, substrate_);
    result_.notes = notes_on(workload_, substrate_);
    if (options_.timeline) name_tracks(*options_.timeline, devices_);
    result_.dense = hosted_dense_.makespan();
    result_.sparse = hosted_sparse_.makespan();
    result_.training = training_on(workload_, substrate_, result_.dense, result_.sparse);
    result_.sparsity = summarise(result_.ops);
    result_.ideal_speedup = ideal_speedup(result_.sparsity.declared);
    result_.quick_estimate = quick_estimate(result_.sparsity);
    // The last prefix is the real run; overlap between ops is real too, so it replaces the plain sum there.
    whole_.dense_seconds.back() = dense_.makespan().seconds();
    whole_.sparse_seconds.back() = sparse_.makespan().seconds();
    fill_coverage(result_);
    if (only_times_) return std::move(result_);
    result_.lost = waterfall(result_.ideal_speedup, whole_);
    if (host_.kind != HostKind::graph)
      result_.lost.push_back(
          {"host", speedup_of(dense_.makespan().seconds(), sparse_.makespan().seconds()) / result_.realised_speedup()});
    if (all_dense_)
      result_.interval = {1, 1};
    else if (options_.interval)
      result_.interval = speedup_interval(workload_, substrate_, options_.seed, result_.realised_speedup(), &memo_);
    return std::move(result_);
  }

 private:
  void add(const WorkloadOp& entry) {
    OpResult op;
    op.name = entry.name;
    op.kind = entry.op->kind();
    op.pattern = entry.op->pattern();
    if (op.pattern == "dense" && entry.removed > 0) op.pattern = "structured";
    op.repeat = entry.repeat;
    op.bubble = entry.bubble;
    op.removed = entry.removed;
    const OpIssue issue = issue_of(entry, host_);
    op.prediction = predict(*entry.op, substrate_, options_.seed, &memo_, only_times_ ? 1 : 0, issue);
    const Counterfactuals runs = all_dense_ || only_times_
                                     ? unchanged(op.prediction)
                                     : counterfactuals(*entry.op, substrate_, options_.seed, op.prediction, &memo_);
    op.prediction.sparsity =
        with_removed(op.prediction.sparsity, static_cast<double>(entry.removed) / static_cast<double>(entry.repeat));
    Counterfactuals all = runs;
    if (entry.removed > 0) sparsesim::add(all = {}, runs, entry.passes(), entry.sparse_passes());
    op.lost = waterfall(ideal_speedup(op.prediction.sparsity.declared), all);
    sparsesim::add(whole_, runs, entry.passes(), entry.sparse_passes());
    place(op, entry);
    const auto times = static_cast<double>(entry.repeat), left = static_cast<double>(entry.repeat - entry.removed);
    result_.dense_counters += RunCounters(op.prediction.dense.counters).scale(times);
    result_.sparse_counters += RunCounters(op.prediction.sparse.counters).scale(left);
    for (int r = 0; r < kResources; ++r) {
      result_.dense_busy[r] += op.prediction.dense.busy[r] * times;
      result_.sparse_busy[r] += op.prediction.sparse.busy[r] * left;
    }
    devices_ = std::max(devices_, entry.op->devices());
    if (options_.timeline && entry.sparse_passes() > 0) {
      const Program program = entry.op->lower({substrate_, {}, options_.seed});
      play_program(program, substrate_, {}, &memo_, {options_.timeline, op.sparse_start, entry.name}, issue.sparse);
    }
    result_.ops.push_back(std::move(op));
  }

  /// On the schedules of both runs, with all issued before and with the host.
  void place(OpResult& op, const WorkloadOp& entry) {
    const ProgramResult &dense = op.prediction.dense, &sparse = op.prediction.sparse;
    const std::int64_t left = entry.repeat - entry.removed;
    dense_.place(entry, dense, entry.passes(), entry.repeat);
    sparse_.place(entry, sparse, entry.sparse_passes(), left);
    op.dense_start = hosted_dense_.place(entry, dense, entry.passes(), entry.repeat);
    op.sparse_start = hosted_sparse_.place(entry, sparse, entry.sparse_passes(), left);
    result_.dense_issue = checked_sum(result_.dense_issue, checked_product(dense.host, entry.repeat));
    result_.sparse_issue = checked_sum(result_.sparse_issue, checked_product(sparse.host, left));
    result_.dense_busy[static_cast<std::size_t>(Resource::host)] = result_.dense_issue.seconds();
    result_.sparse_busy[static_cast<std::size_t>(Resource::host)] = result_.sparse_issue.seconds();
  }

  const Workload& workload_;
  const Substrate& substrate_;
  const RunOptions& options_;
  LaunchMemo& memo_;  // counterfactuals and shifted machines repeat most launches
  const Host host_;
  Schedule dense_{false}, sparse_{false};  // with all issued before
  Schedule hosted_dense_{host_.kind != HostKind::graph}, hosted_sparse_{host_.kind != HostKind::graph};
  Counterfactuals whole_;
  const bool only_times_;
  const bool all_dense_;  // nothing is gained and nothing lost: no counterfactual can say more
  int devices_ = 1;
  RunResult result_;
};

}  // namespace

RunResult run(const Workload& workload, const Substrate& substrate, const RunOptions& options, LaunchMemo* memo) {
  LaunchMemo own;
  WorkloadRun whole(workload, substrate, options, memo ? *memo : own);
  for (const auto& op : workload.ops) whole.add_at_its_place(op);
  return whole.result();
}

void Fnv1a::add(std::string_view text) {
  for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
}

std::string Fnv1a::digits() const { return fmt::format("{:016x}", hash_); }

std::string fnv1a(std::string_view text) {
  Fnv1a hash;
  hash.add(text);
  return hash.digits();
}

std::string hash_inputs(const Workload& workload, const Substrate& substrate, std::uint64_t seed) {
  Fnv1a hash;
  dump_substrate(substrate, [&](std::string_view part) { hash.add(part); });
  hash.add(fmt::format("\n{}\n{}\n{}", workload.resolved, seed, digest(workload.files)));
  return hash.digits();
}

}  // namespace sparsesim
