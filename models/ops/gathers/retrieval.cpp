#include "models/ops/gathers/retrieval.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/ops/chain.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/gathers/retrieval_lists.h"
#include "models/ops/limits.h"
#include "models/ops/row_map.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

// Vectors whose scores are written at a time: a library bounds the scores that it keeps before it chooses.
constexpr std::int64_t kVectorsAtATime = 1 << 20;

/// Scores of all queries against `vectors` vectors or centres, and the best `kept` of each query.
Program search_all(const IvfSize& size, std::int64_t vectors, std::int64_t kept, const LowerContext& context) {
  Program program;
  const GemmSize scores{.m = size.queries, .n = vectors, .k = size.dim, .dtype = size.dtype};
  append(program, lower_gemm(scores, context.substrate, context.ideal));
  append(program, lower_top_k(real(size.queries) * real(vectors), real(size.queries) * real(std::min(kept, vectors)),
                              size.dtype, context.substrate));
  return program;
}

}  // namespace

double Probes::scanned() const {
  double vectors = 0;
  for (const std::uint32_t list : chosen) vectors += real(sizes[list]);
  return vectors;
}

Probes draw_probes(const IvfSize& size, std::uint64_t seed) {
  require_at_most(real(size.queries) * real(size.probes), kTasksMost, "scans of lists");
  Probes probes;
  probes.sizes = list_sizes(size.vectors, size.lists, size.list_skew);
  probes.chosen = sample_probes(probes.sizes, size.queries, size.probes, seed);
  return probes;
}

Program IvfScan::lower(const LowerContext& context) const {
  Program program;  // which lists to look through is the index of this pattern
  if (!context.ideal.metadata) program = search_all(size_, size_.lists, size_.probes, context);
  append(program, lower_list_scan(size_, draw_probes(size_, context.seed), context.substrate));
  const double kept = real(size_.queries) * real(size_.top_k);
  append(program, lower_top_k(kept * real(size_.probes), kept, "fp32", context.substrate));
  return program;
}

Program IvfScan::lower_dense(const LowerContext& context) const {
  Program program;
  const std::int64_t whole = size_.vectors / kVectorsAtATime, rest = size_.vectors % kVectorsAtATime;
  if (whole > 0) append(program, search_all(size_, kVectorsAtATime, size_.top_k, context), whole);
  if (rest > 0) append(program, search_all(size_, rest, size_.top_k, context));
  const std::int64_t parts = whole + (rest > 0 ? 1 : 0);
  const double kept = real(size_.queries) * real(size_.top_k);
  if (parts > 1) append(program, lower_top_k(kept * real(parts), kept, "fp32", context.substrate));
  return program;
}

SparsitySummary IvfScan::sparsity(const LowerContext& context) const {
  SparsitySummary summary;
  summary.declared = 1 - draw_probes(size_, context.seed).scanned() / (real(size_.queries) * real(size_.vectors));
  return summary;
}

std::unique_ptr<Op> read_ivf_scan(config::MapReader& map) {
  static constexpr std::array<std::string_view, 4> kTypes = {"fp32", "fp16", "bf16", "int8"};
  IvfSize size;
  size.queries = map.integer("queries", 1, 1 << 20);
  size.vectors = map.integer("vectors", 1, std::int64_t{1} << 36);
  size.dim = map.integer("dim", 1, 65536);
  size.lists = map.integer("lists", 1, 1 << 20);
  size.probes = map.integer("probes", 1, 1 << 20);
  size.top_k = map.integer("top_k", 1, 4096, size.top_k);
  size.dtype = map.choice("dtype", kTypes, "fp16");
  size.list_skew = map.number("list_skew", config::Range::between(0, 4), 0);
  if (size.lists > size.vectors) {
    map.mistake("lists", fmt::format("{} lists for {} vectors", size.lists, size.vectors));
    return nullptr;
  }
  if (size.probes > size.lists) {
    map.mistake("probes", fmt::format("{} probes among {} lists", size.probes, size.lists));
    return nullptr;
  }
  return std::make_unique<IvfScan>(std::move(size));
}

std::unique_ptr<Op> ivf_scan_from_row(const MeasuredOp& row) { return read_row(row, read_ivf_scan); }

}  // namespace sparsesim
