#include "models/ops/cores/core_experts.h"

#include <numeric>
#include <utility>

#include "models/ops/chain.h"
#include "models/ops/cores/core_gemm.h"

namespace sparsesim {
namespace {

/// Instructions per vector: an exponential by a polynomial, the division and product of a gated activation.
constexpr double kActivationIssue = 24;
/// Instructions per token and expert: the exponential of the softmax and the comparisons of the choice.
constexpr double kChoiceIssue = 8;

double rows_of(const std::vector<std::int64_t>& counts) {
  return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
}

/// What the experts' calls of one library cost together.
DenseWork products_work(const ExpertProducts& products, const DenseLoop& loop, const Core& core, const Ideal& ideal) {
  DenseWork all;
  for (const std::int64_t rows : products.counts) {
    if (rows == 0) continue;
    DenseWork work =
        dense_work({.m = rows, .n = products.n, .k = products.k, .dtype = products.dtype}, loop, core, ideal);
    all.pack += work.pack;
    all.multiply += work.multiply;
  }
  if (products.cold) return all;
  const double bytes = rows_of(products.counts) * static_cast<double>(products.k) * element_bytes(products.dtype);
  const double first = bytes * core.sockets();
  CoreWork& reader = all.pack.cold_bytes >= first && all.multiply.cold_bytes < first ? all.pack : all.multiply;
  reader.cold_bytes -= first;
  reader.common_bytes -= first;
  reader.shared_bytes += bytes;
  all.multiply.shared_bytes += all.multiply.result_bytes;
  all.multiply.result_bytes = 0;
  return all;
}

}  // namespace

Launch lower_cores_products(const ExpertProducts& products, const Substrate& substrate, const Ideal& ideal) {
  const Core core = core_of(substrate);
  const auto calls = static_cast<double>(
      std::count_if(products.counts.begin(), products.counts.end(), [](std::int64_t rows) { return rows > 0; }));
  const std::string library = products.kernel.substr(0, products.kernel.find("_per_expert"));
  std::vector<Launch> launches;
  for (const Kernel* kernel : core_kernels(substrate, "cores_gemm", "dense", products.dtype, library)) {
    const DenseWork work = products_work(products, dense_loop(*kernel), core, ideal);
    const auto cores = static_cast<std::size_t>(core.cores());
    std::vector<CoreWork> tasks;
    if (work.pack != CoreWork{}) tasks.assign(cores, (1 / core.cores()) * work.pack);
    tasks.insert(tasks.end(), cores, (1 / core.cores()) * work.multiply);
    Launch launch = core_launch("grouped_gemm", *kernel, products.dtype, tasks, false, substrate);
    launch.fixed_seconds *= std::max(1.0, calls);
    launches.push_back(std::move(launch));
  }
  return fastest_launch(std::move(launches), substrate, ideal);
}

Launch lower_cores_pass(const std::string& name, const std::string& dtype, double reads, double writes, double issue,
                        const Substrate& substrate) {
  const Core core = core_of(substrate);
  const Kernel* kernel = core_kernels(substrate, "elementwise", "dense", dtype, "").front();
  const Residence where = residence(core, {1, (reads + writes) / core.cores(), 0}, 0, core.cores());
  CoreWork work;
  work.load_cycles = load_cycles(core, where, reads + writes);
  work.issue_cycles = issue / core.issue;
  work.shared_bytes = (reads + writes) * (where.shared + where.dram);
  const auto cores = static_cast<std::size_t>(core.cores());
  Kernel call = *kernel;
  call.constants.clear();
  return core_launch(name, call, dtype, std::vector<CoreWork>(cores, (1 / core.cores()) * work), false, substrate);
}

Launch lower_cores_activation(const MoeSpec& spec, double elements, const Substrate& substrate) {
  const double bytes = element_bytes(spec.dtype), vectors = elements / core_of(substrate).lanes(spec.dtype);
  return lower_cores_pass("moe_activation", spec.dtype, elements * bytes * (spec.gated ? 2 : 1), elements * bytes,
                          vectors * kActivationIssue, substrate);
}

Program lower_cores_moe(const MoeSpec& spec, const std::vector<std::int64_t>& counts, const LowerContext& context) {
  if (spec.devices > 1) throw UnsupportedError("expert layers on cores run on one machine");
  const Substrate& substrate = context.substrate;
  const Core core = core_of(substrate);
  std::vector<std::int64_t> rows = counts;
  rows.insert(rows.end(), static_cast<std::size_t>(spec.shared_experts), spec.tokens);
  const double bytes = element_bytes(spec.dtype), lanes = core.lanes(spec.dtype);
  const double slots = rows_of(rows), hidden = static_cast<double>(spec.hidden);
  const double tokens = static_cast<double>(spec.tokens), inner = slots * static_cast<double>(spec.intermediate);
  ExpertProducts up{rows, spec.intermediate * (spec.gated ? 2 : 1), spec.hidden, spec.dtype, spec.kernel, false};
  ExpertProducts down{rows, spec.hidden, spec.intermediate, spec.dtype, spec.kernel, false};
  const auto pass = [&](const char* name, double reads, double writes, double issue) {
    return lower_cores_pass(name, spec.dtype, reads * bytes, writes * bytes, issue, substrate);
  };
  Program program;
  if (!context.ideal.metadata)
    append(program, pass("moe_choice", tokens * static_cast<double>(spec.experts), slots,
                         tokens * static_cast<double>(spec.experts) * kChoiceIssue));
  append(program, pass("moe_gather", slots * hidden, slots * hidden, 2 * slots * hidden / lanes));
  append(program, lower_cores_products(up, substrate, context.ideal));
  append(program, lower_cores_activation(spec, inner, substrate));
  append(program, lower_cores_products(down, substrate, context.ideal));
  append(program, pass("moe_sum", slots * hidden, tokens * hidden, 2 * slots * hidden / lanes));
  return program;
}

}  // namespace sparsesim
