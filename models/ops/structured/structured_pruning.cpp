#include "models/ops/structured/structured_pruning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/ops/attention/attention.h"
#include "models/ops/chain.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "models/ops/row_map.h"

namespace sparsesim {
namespace {

constexpr double kIndexBytes = 4;  // of a column number

double issued_macs(const Program& program) {
  double macs = 0;
  for (const Stage& stage : program.stages)
    for (const Task& task : stage.launch->tasks) macs += stage.launch->shapes[task.shape].issued_macs;
  return macs;
}

/// Reads how many of `all` are kept; all of them where the key is absent.
std::int64_t read_kept(config::MapReader& map, const char* key, std::int64_t all) {
  return map.integer(key, 1, std::int64_t{1} << 31, all);
}

/// Reports where more is kept than there is.
void check_kept(config::MapReader& map, const char* key, std::int64_t kept, std::int64_t all) {
  if (kept > all) map.mistake(key, fmt::format("{} is {}, of {} that there are", key, kept, all));
}

void read_layers(config::MapReader& map, PrunedParts& parts) {
  parts.layers = map.integer("layers", 1, 65536, 1);
  parts.kept_layers = read_kept(map, "kept_layers", parts.layers);
}

/// Mistakes that reading has found so far, to be compared later: sizes are checked only if each is a size.
std::size_t mistakes_of(config::MapReader& map) { return map.diagnostics().mistakes().size(); }

}  // namespace

Launch lower_column_gather(const ColumnGather& size, const Substrate& substrate, const Ideal& ideal) {
  ElementwiseSize pass;
  pass.name = "gather columns";
  pass.elements = size.rows * size.kept;
  pass.dtype = size.dtype;
  Launch launch = lower_elementwise(pass, substrate);
  const double bytes = element_bytes(size.dtype);
  const double kept = static_cast<double>(size.kept) / static_cast<double>(size.columns);
  const double touched = 1 - std::pow(1 - kept, substrate.memory.fill_granule / bytes);
  for (TaskShape& shape : launch.shapes) {
    Stream& rows = shape.streams.front();
    rows.line_bytes_per_step = rows.bytes_per_step * touched / kept;
    // Every task reads the same list: it comes from DRAM once.
    const double list = rows.bytes_per_step / bytes * kIndexBytes;
    if (!ideal.metadata) shape.streams.push_back({list, list, true});
  }
  return launch;
}

Program Pruned::lower(const LowerContext& context) const {
  require_at_most(static_cast<double>(parts_.gather.rows) * static_cast<double>(parts_.gather.columns), kElementsMost,
                  "elements to gather from");
  Program layer, program;
  if (parts_.gather.rows > 0) append(layer, lower_column_gather(parts_.gather, context.substrate, context.ideal));
  append(layer, parts_.kept->lower(context));
  append(program, layer, parts_.kept_layers);
  return program;
}

Program Pruned::lower_dense(const LowerContext& context) const {
  Program program;
  append(program, parts_.full->lower(context), parts_.layers);
  return program;
}

SparsitySummary Pruned::sparsity(const LowerContext& context) const {
  SparsitySummary summary;
  const double layers = static_cast<double>(parts_.layers), kept_layers = static_cast<double>(parts_.kept_layers);
  summary.declared = 1 - parts_.kept_share * kept_layers / layers;
  if (summary.declared <= 0) return summary;
  const double issued = issued_macs(parts_.full->lower(context)) * layers;
  const double left = issued_macs(parts_.kept->lower(context)) * kept_layers;
  if (issued > 0) summary.aligned_dispatch = std::clamp((1 - left / issued) / summary.declared, 0.0, 1.0);
  return summary;
}

std::unique_ptr<Op> read_pruned_gemm(config::MapReader& map) {
  const std::size_t before = mistakes_of(map);
  std::unique_ptr<Op> dense = read_gemm(map);
  const auto* gemm = dynamic_cast<const Gemm*>(dense.get());
  const GemmSize full = gemm ? gemm->size() : GemmSize{.m = 1, .n = 1, .k = 1, .dtype = {}};
  GemmSize kept = full;
  kept.n = read_kept(map, "kept_outputs", full.n);
  kept.k = read_kept(map, "kept_inputs", full.k);
  const bool gathers = map.boolean("gather_inputs", false);
  PrunedParts parts;
  parts.kind = "pruned_gemm";
  read_layers(map, parts);
  if (mistakes_of(map) > before) return nullptr;
  check_kept(map, "kept_outputs", kept.n, full.n);
  check_kept(map, "kept_inputs", kept.k, full.k);
  check_kept(map, "kept_layers", parts.kept_layers, parts.layers);
  if (gathers && kept.k == full.k) map.mistake("gather_inputs", "every input is kept: there is nothing to gather");
  if (mistakes_of(map) > before) return nullptr;
  parts.kept_share = static_cast<double>(kept.n) / static_cast<double>(full.n) * static_cast<double>(kept.k) /
                     static_cast<double>(full.k);
  if (gathers) parts.gather = {full.m, full.k, kept.k, full.dtype};
  parts.full = std::move(dense);
  parts.kept = std::make_unique<Gemm>(kept, gemm->weights());
  return std::make_unique<Pruned>(std::move(parts));
}

std::unique_ptr<Op> read_pruned_attention(config::MapReader& map) {
  const std::size_t before = mistakes_of(map);
  std::unique_ptr<Op> dense = read_attention(map);
  const auto* attention = dynamic_cast<const Attention*>(dense.get());
  const AttentionSize full = attention ? attention->size() : AttentionSize{};
  AttentionSize kept = full;
  kept.heads = read_kept(map, "kept_heads", full.heads);
  // A key head goes with the last of its query heads.
  const std::int64_t groups = (kept.heads * full.kv_heads + full.heads - 1) / full.heads;
  kept.kv_heads = read_kept(map, "kept_kv_heads", groups);
  PrunedParts parts;
  parts.kind = "pruned_attention";
  read_layers(map, parts);
  if (!attention || mistakes_of(map) > before) return nullptr;
  check_kept(map, "kept_heads", kept.heads, full.heads);
  check_kept(map, "kept_kv_heads", kept.kv_heads, full.kv_heads);
  check_kept(map, "kept_layers", parts.kept_layers, parts.layers);
  if (mistakes_of(map) == before && kept.heads % kept.kv_heads != 0)
    map.mistake("kept_heads",
                fmt::format("kept_heads ({}) must be a multiple of kept_kv_heads ({})", kept.heads, kept.kv_heads));
  if (mistakes_of(map) > before) return nullptr;
  parts.kept_share = static_cast<double>(kept.heads) / static_cast<double>(full.heads);
  parts.full = std::move(dense);
  parts.kept = std::make_unique<Attention>(kept);
  return std::make_unique<Pruned>(std::move(parts));
}

std::unique_ptr<Op> pruned_gemm_from_row(const MeasuredOp& row) { return read_row(row, read_pruned_gemm); }
std::unique_ptr<Op> pruned_attention_from_row(const MeasuredOp& row) { return read_row(row, read_pruned_attention); }

}  // namespace sparsesim
