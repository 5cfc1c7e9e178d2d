#include "models/ops/spmm.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include "models/compute/player.h"
#include "models/ops/gemm.h"
#include "models/ops/limits.h"
#include "models/ops/spmm_rows.h"
#include "models/ops/spmm_tiles.h"
#include "models/ops/spmm_twin.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 31;
constexpr double kRowsMost = 1 << 24;  // of units: 4 bytes each for their counts

constexpr std::array<SparseKind, 5> kKinds = {{
    {"unstructured", "CSR", "single weights anywhere: every stored one names a row of activations"},
    {"vector", "column vectors", "short columns of weights: a stored vector shares one row of activations"},
    {"2:4", "values and 2-bit places", "two of every four weights in a row, skipped by the matrix unit"},
    {"vnm", "V:N:M", "V rows agree on 4 of M columns, and each keeps N = 2 of the 4"},
    {"block", "BSR, Blocked-ELL", "small dense blocks of weights"},
}};

/// How a kernel goes through the weights: its op in the kernel library.
struct Method {
  std::string_view op;
  Launch (*lower)(const SpmmSize&, const Kernel&, const LowerContext&);
};
constexpr std::array<Method, 1> kMethods = {{{"spmm_rows", lower_spmm_rows}}};

const Method* find_method(const Kernel& kernel) {
  for (const Method& method : kMethods)
    if (method.op == kernel.op) return &method;
  return nullptr;
}

const SparseKind* find_kind(std::string_view pattern) {
  for (const SparseKind& kind : kKinds)
    if (kind.pattern == pattern) return &kind;
  return nullptr;
}

std::vector<std::string> known_patterns() {
  std::vector<std::string> names;
  for (const SparseKind& kind : kKinds) names.emplace_back(kind.pattern);
  return names;
}

bool is_n_of_m(const std::string& pattern) { return pattern == "2:4" || pattern == "vnm"; }

bool fits(const Kernel& kernel, const SpmmSize& size) {
  if (!takes(kernel, size.pattern, size.dtype)) return false;
  const auto block = kernel.constants.find("block_n");
  if (block != kernel.constants.end() && block->second.value > 0 &&
      block->second.value != static_cast<double>(size.block_n))
    return false;
  return kernel.name.starts_with(size.kernel);
}

/// All launches that the library has for the product.
std::vector<Launch> candidates(const SpmmSize& size, const LowerContext& context) {
  std::vector<Launch> launches;
  if (auto tiles = lower_spmm_tiles(size, context)) launches.push_back(std::move(*tiles));
  for (const Kernel& kernel : context.substrate.kernels)
    if (const Method* method = find_method(kernel); method && fits(kernel, size))
      launches.push_back(method->lower(size, kernel, context));
  if (launches.empty())
    throw UnsupportedError(fmt::format("no {}spmm kernel for {} weights in {} on {}",
                                       size.kernel.empty() ? "" : size.kernel + " ", size.pattern, size.dtype,
                                       context.substrate.name));
  return launches;
}

/// The launch that ends first: kernels of different making cannot be compared by a formula.
Launch fastest(std::vector<Launch> launches, const LowerContext& context) {
  std::size_t best = 0;
  if (launches.size() > 1) {
    std::vector<Time> times;
    for (const Launch& launch : launches) times.push_back(play(launch, context.substrate, context.ideal).time);
    best = static_cast<std::size_t>(std::min_element(times.begin(), times.end()) - times.begin());
  }
  return std::move(launches[best]);
}

}  // namespace

std::span<const SparseKind> sparse_kinds() { return kKinds; }

RowCounts SpmmSize::row_counts(std::uint64_t seed) const {
  if (!mask.units.empty()) return mask;
  const std::int64_t rows = n / block_n, columns = k / block_k;
  require_at_most(static_cast<double>(rows), kRowsMost, "rows of sparse weights");
  return equal_rows ? equal_row_counts(rows, columns, 1 - sparsity)
                    : random_row_counts(rows, columns, 1 - sparsity, seed);
}

Program Spmm::lower(const LowerContext& context) const {
  Stage stage;
  stage.launch = std::make_shared<const Launch>(fastest(candidates(size_, context), context));
  Program program;
  program.stages.push_back(std::move(stage));
  return program;
}

Program Spmm::lower_dense(const LowerContext& context) const {
  const auto& kernels = context.substrate.kernels;
  const auto timed_as = std::find_if(kernels.begin(), kernels.end(),
                                     [&](const Kernel& kernel) { return find_method(kernel) && fits(kernel, size_); });
  Stage stage;
  stage.launch = std::make_shared<const Launch>(
      lower_dense_twin(size_, timed_as == kernels.end() ? nullptr : &*timed_as, context));
  Program program;
  program.stages.push_back(std::move(stage));
  return program;
}

SparsitySummary Spmm::sparsity(const LowerContext& context) const {
  if (is_n_of_m(size_.pattern)) return n_of_m_summary(size_, context.substrate);
  SparsitySummary summary;
  const RowCounts counts = size_.row_counts(context.seed);
  summary.declared = 1 - counts.density();
  // A zero is free in memory if its line holds no stored unit of its row.
  const double line = context.substrate.memory.line, bytes = size_.dtype == "fp32" ? 4 : 2;
  const double units_per_line = std::max(1.0, line / (bytes * static_cast<double>(size_.block_k)));
  summary.aligned_cache = std::pow(summary.declared, units_per_line - 1);
  return summary;
}

namespace {

struct Fault {
  std::string key, message;
};

std::optional<Fault> find_fault(const SpmmSize& size) {
  if (size.n % size.block_n != 0 || size.k % size.block_k != 0)
    return Fault{"block", fmt::format("blocks of {} x {} do not divide weights of {} x {}", size.block_n, size.block_k,
                                      size.n, size.k)};
  return std::nullopt;
}

std::optional<std::pair<std::int64_t, std::int64_t>> parse_block(const std::string& text) {
  std::int64_t rows = 0, columns = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%ldx%ld%c", &rows, &columns, &rest) != 2) return std::nullopt;
  if (rows < 1 || columns < 1 || rows > 4096 || columns > 4096) return std::nullopt;
  return std::pair{rows, columns};
}

/// "2:8" and the height of a block of rows, as params give them; 2:4 unless they say otherwise.
void read_n_of_m(const std::string& nm, const std::string& v, SpmmSize& size) {
  char rest = 0;
  long height = 1;
  if (!nm.empty() && (std::sscanf(nm.c_str(), "%d:%d%c", &size.n_kept, &size.n_of, &rest) != 2 || size.n_kept != 2 ||
                      size.n_of < 4 || size.n_of > 4096))
    throw UnsupportedError("nm is 2:M with M of 4 to 4096; the row says " + nm);
  if (!v.empty() && (std::sscanf(v.c_str(), "%ld%c", &height, &rest) != 1 || height < 1 || height > 65536))
    throw UnsupportedError("v is a number of rows, 1 to 65536; the row says " + v);
  size.block_n = height;
  size.sparsity = 1 - static_cast<double>(size.n_kept) / size.n_of;
}

/// Counts of the mask in a file, for weights of these sizes. Errors: ConfigError.
RowCounts read_mask(const std::string& path, const SpmmSize& size) {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;
  config::Diagnostics diagnostics;
  RowCounts counts = read_smtx(config::read_text_file(path, kMostBytes, diagnostics), path, diagnostics);
  const auto rows = static_cast<std::int64_t>(counts.units.size());
  if (diagnostics.empty() && (rows * size.block_n != size.n || counts.columns * size.block_k != size.k))
    diagnostics.add({path, 1, 1}, fmt::format("{} x {} units of {} x {} for weights of {} x {}", rows, counts.columns,
                                              size.block_n, size.block_k, size.n, size.k));
  diagnostics.throw_if_any();
  return counts;
}

/// The mask that a measured row names.
RowCounts named_mask(const std::string& name, const SpmmSize& size, const std::string& folder) {
  const std::string path = (std::filesystem::path(folder) / "dlmc" / (name + ".smtx")).string();
  if (folder.empty()) throw UnsupportedError("mask " + name + " is not at hand: --masks names its folder");
  if (!std::filesystem::exists(path)) throw UnsupportedError("mask " + name + " is not at hand: no file " + path);
  try {
    return read_mask(path, size);
  } catch (const config::ConfigError& error) {
    throw UnsupportedError(error.brief());
  }
}

/// N:M patterns say how sparse they are; others have a share of zeros, or a mask beside the workload.
void read_pattern(config::MapReader& map, SpmmSize& size) {
  if (is_n_of_m(size.pattern)) {
    if (size.pattern == "vnm") {
      size.block_n = map.integer("v", 1, 65536, 128);
      size.n_of = static_cast<int>(map.integer("columns", 4, 4096));
    }
    size.sparsity = 1 - static_cast<double>(size.n_kept) / size.n_of;
    return;
  }
  if (size.pattern != "unstructured") {
    const auto block = map.integers("block", 1, 4096, 2);
    if (block.size() == 2) {
      size.block_n = block[0];
      size.block_k = block[1];
    } else {
      map.mistake("block", "block is [rows, columns] of a stored unit");
    }
  }
  size.equal_rows = map.boolean("equal_rows", false);
  const std::string mask = map.text("mask", "");
  if (mask.empty()) {
    size.sparsity = map.number("sparsity", config::Range::between(0, 1));
    return;
  }
  try {
    const auto folder = std::filesystem::path(map.node().position().file).parent_path();
    size.mask = read_mask((folder / mask).string(), size);
    size.sparsity = 1 - size.mask.density();
  } catch (const config::ConfigError& error) {
    map.mistake("mask", fmt::format("{}: {}", mask, error.brief()));
  }
}

}  // namespace

std::unique_ptr<Op> read_spmm(config::MapReader& map) {
  static constexpr std::array<std::string_view, 9> kTypes = {"fp32", "tf32", "fp16",       "bf16",     "fp8",
                                                             "int8", "int4", "int16xint8", "int8xint4"};
  static constexpr std::array<std::string_view, 2> kSums = {"fp32", "fp16"};
  const auto names = known_patterns();
  const std::vector<std::string_view> patterns(names.begin(), names.end());
  SpmmSize size;
  size.m = map.integer("m", 1, kMost);
  size.n = map.integer("n", 1, kMost);
  size.k = map.integer("k", 1, kMost);
  size.dtype = map.choice("dtype", kTypes, "fp16");
  size.accumulate = map.choice("accumulate", kSums, "fp32");
  size.pattern = map.choice("pattern", patterns);
  read_pattern(map, size);
  size.kernel = map.text("kernel", "");
  size.timed_call = map.boolean("timed_call", false);
  if (const auto fault = find_fault(size)) {
    map.mistake(fault->key, fault->message);
    return nullptr;
  }
  return std::make_unique<Spmm>(std::move(size));
}

std::unique_ptr<Op> spmm_from_row(const MeasuredOp& row) {
  if (row.m < 1 || row.n < 1 || row.k < 1) throw UnsupportedError("an spmm row needs m, n and k");
  if (!find_kind(row.pattern))
    throw UnsupportedError(
        fmt::format("no model for {} weights (known: {})", row.pattern, fmt::join(known_patterns(), ", ")));
  const auto param = [&](const char* name) {
    const auto found = row.params.find(name);
    return found == row.params.end() ? std::string() : found->second;
  };
  SpmmSize size;
  size.m = row.m;
  size.n = row.n;
  size.k = row.k;
  size.dtype = row.dtype;
  size.pattern = row.pattern;
  if (is_n_of_m(size.pattern)) {
    read_n_of_m(param("nm"), param("v"), size);
  } else if (row.sparsity) {
    size.sparsity = *row.sparsity;
  } else {
    throw UnsupportedError("an spmm row needs its sparsity");
  }
  if (const std::string block = param("block"); !block.empty()) {
    const auto sizes = parse_block(block);
    if (!sizes) throw UnsupportedError("block is ROWSxCOLUMNS; the row says " + block);
    std::tie(size.block_n, size.block_k) = *sizes;
  }
  if (const std::string sums = param("accumulate"); !sums.empty()) size.accumulate = sums;
  size.equal_rows = param("format") == "blocked_ell";
  size.kernel = row.kernel.substr(row.kernel.find(':') + 1);
  size.timed_call = true;
  if (const auto fault = find_fault(size)) throw UnsupportedError(fault->message);
  // Blocked-ELL stores as many blocks in every row: the sparsity says how many.
  const std::string mask = param("mask");
  if (mask.starts_with("dlmc:") && !size.equal_rows) size.mask = named_mask(mask.substr(5), size, row.masks);
  return std::make_unique<Spmm>(std::move(size));
}

}  // namespace sparsesim
