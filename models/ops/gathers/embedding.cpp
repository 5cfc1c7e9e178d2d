#include "models/ops/gathers/embedding.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "models/ops/chain.h"
#include "models/ops/cores/core_gathers.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/limits.h"
#include "models/ops/row_map.h"

namespace sparsesim {
namespace {

double elements_of(const BagSize& size) {
  return static_cast<double>(size.tables) * static_cast<double>(size.rows) * static_cast<double>(size.dim);
}

/// The multi-hot matrix [bags, rows] of one table times the table.
GemmSize multi_hot(const BagSize& size) { return {.m = size.bags, .n = size.dim, .k = size.rows, .dtype = size.dtype}; }

/// Seconds by the closed form that chooses kernels; infinite where the machine cannot multiply the type.
double product_seconds(const BagSize& size, const LowerContext& context) {
  try {
    const double table = plan_gemm(multi_hot(size), context.substrate, context.ideal).front().estimated_seconds;
    return table * static_cast<double>(size.tables);
  } catch (const std::runtime_error&) {  // no kernel for the type, or too many tiles
    return std::numeric_limits<double>::infinity();
  }
}

Launch lower_scan(const BagSize& size, const Substrate& substrate) {
  const double elements = elements_of(size);
  const double results = static_cast<double>(size.tables) * static_cast<double>(size.bags * size.dim);
  const double added = size.lookups() * static_cast<double>(size.tables * size.dim);
  ElementwiseSize pass;
  pass.name = "table scan";
  pass.elements = size.tables * size.rows * size.dim;
  pass.dtype = size.dtype;
  pass.writes = results / elements;
  pass.flops_per_element = 2 * added / elements;
  return lower_elementwise(pass, substrate);
}

/// The exponent of "zipf:1.05", 0 of "uniform"; nothing for other texts.
std::optional<double> parse_popularity(std::string_view text) {
  constexpr std::string_view kZipf = "zipf:";
  constexpr double kMost = 8;
  if (text == "uniform") return 0;
  if (!text.starts_with(kZipf)) return std::nullopt;
  text.remove_prefix(kZipf.size());
  double exponent = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || !(exponent >= 0) || exponent > kMost)
    return std::nullopt;
  return exponent;
}

/// The lookups of a file beside the workload; they say how many bags there are and how long.
void read_trace(config::MapReader& map, const std::string& name, BagSize& size) {
  if (size.bags > 0) map.mistake("bags", "the trace says the bags");
  if (size.pooling > 0) map.mistake("pooling", "the trace says the pooling");
  try {
    const auto path = (std::filesystem::path(map.node().position().file).parent_path() / name).string();
    config::Diagnostics diagnostics;
    const std::string text = config::read_text_file(path, kMostLookupBytes, diagnostics);
    size.trace = std::make_shared<const LookupTrace>(read_lookup_trace(text, path, size.rows, diagnostics));
    diagnostics.throw_if_any();
    size.bags = static_cast<std::int64_t>(size.trace->bags.size());
  } catch (const config::ConfigError& error) {
    map.mistake("trace", fmt::format("{}: {}", name, error.brief()), error.mistakes().front().hint);
  }
}

/// Bags as they are drawn, unless a trace names their rows.
void read_bags(config::MapReader& map, BagSize& size) {
  size.bags = map.integer("bags", 0, 1 << 24, 0);
  size.pooling = map.integer("pooling", 0, 1 << 20, 0);
  const std::string indices = map.text("indices", "uniform"), trace = map.text("trace", "");
  if (!trace.empty() && indices != "uniform") map.mistake("indices", "the trace says the indices");
  if (!trace.empty()) return read_trace(map, trace, size);
  if (size.bags == 0) map.mistake("bags", "bags are missing: give bags and pooling, or a trace");
  if (size.pooling == 0) map.mistake("pooling", "pooling is missing: give bags and pooling, or a trace");
  const auto exponent = parse_popularity(indices);
  if (!exponent)
    map.mistake("indices", fmt::format("indices cannot be \"{}\"", indices), "known: uniform, zipf:EXPONENT (0 to 8)");
  size.skew = exponent.value_or(0);
}

}  // namespace

Program EmbeddingBag::lower(const LowerContext& context) const {
  require_at_most(elements_of(size_), kElementsMost, "elements of tables");
  Program program;
  if (on_cores(context.substrate))
    append(program, lower_cores_bags(size_, context.substrate, context.ideal));
  else
    append(program, lower_bags(size_, context.substrate, context.ideal));
  return program;
}

Program EmbeddingBag::lower_dense(const LowerContext& context) const {
  require_at_most(elements_of(size_), kElementsMost, "elements of tables");
  Program program;
  if (on_cores(context.substrate)) {
    append(program, lower_cores_scan(size_, context.substrate, context.ideal));
    return program;
  }
  const double scan = elements_of(size_) * element_bytes(size_.dtype) / context.substrate.memory.dram_achieved;
  if (product_seconds(size_, context) >= scan) {
    append(program, lower_scan(size_, context.substrate));
  } else {
    append(program, Gemm(multi_hot(size_)).lower(context), size_.tables);
  }
  return program;
}

double EmbeddingBag::held_bytes(bool) const {
  const double rows = static_cast<double>(size_.rows) + static_cast<double>(size_.bags);
  return static_cast<double>(size_.tables) * rows * static_cast<double>(size_.dim) * element_bytes(size_.dtype);
}

SparsitySummary EmbeddingBag::sparsity(const LowerContext& context) const {
  const double rows = static_cast<double>(size_.rows);
  const double named = size_.distinct_rows() / rows;
  SparsitySummary summary;
  summary.declared = std::max(0.0, 1 - named);
  const double row_bytes = static_cast<double>(size_.dim) * element_bytes(size_.dtype);
  const double neighbours = std::max(0.0, context.substrate.memory.line / row_bytes - 1);
  summary.aligned_cache = std::pow(summary.declared, neighbours);
  return summary;
}

std::unique_ptr<Op> read_embedding_bag(config::MapReader& map) {
  static constexpr std::array<std::string_view, 6> kTypes = {"fp32", "fp16", "bf16", "fp8", "int8", "int4"};
  BagSize size;
  size.tables = map.integer("tables", 1, 4096, 1);
  size.rows = map.integer("rows", 1, std::int64_t{1} << 31);
  size.dim = map.integer("dim", 1, 65536);
  size.dtype = map.choice("dtype", kTypes, "fp16");
  size.weighted = map.boolean("weighted", false);
  size.index_bytes = map.integer("index_bytes", 4, 8, 8);
  const std::size_t mistakes = map.diagnostics().mistakes().size();
  read_bags(map, size);
  if (map.diagnostics().mistakes().size() > mistakes) return nullptr;
  return std::make_unique<EmbeddingBag>(std::move(size));
}

std::unique_ptr<Op> embedding_bag_from_row(const MeasuredOp& row) {
  // As a product: the bags' multi-hot matrix [m, k] times a table [k, n]; its zeros say how many rows a bag names.
  MeasuredOp keys = row;
  for (const auto& [key, size] : {std::pair{"bags", &keys.m}, {"dim", &keys.n}, {"rows", &keys.k}}) {
    if (*size > 0) keys.params.try_emplace(key, std::to_string(*size));
    *size = 0;
  }
  if (row.sparsity && row.k > 0) {
    const double named = std::round((1 - *row.sparsity) * static_cast<double>(row.k));
    keys.params.try_emplace("pooling", fmt::format("{:.0f}", named));
  }
  return read_row(keys, read_embedding_bag);
}

}  // namespace sparsesim
