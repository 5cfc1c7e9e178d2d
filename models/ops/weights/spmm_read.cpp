// Sparse products from a workload's map, and from a measured row.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "models/ops/limits.h"
#include "models/ops/weights/spmm_parts.h"
#include "models/sparsity/formats/mask_formats.h"
#include "models/sparsity/mask.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// Names of patterns; `n:m` stands for many and is none itself.
std::vector<std::string> known_patterns() {
  std::vector<std::string> names;
  for (const SparseKind& kind : sparse_kinds())
    if (kind.pattern != "n:m") names.emplace_back(kind.pattern);
  return names;
}

bool is_pattern(const std::string& name) { return name != "n:m" && find_sparse_kind(name); }

struct Fault {
  std::string key, message;
};

std::optional<Fault> find_fault(const SpmmSize& size) {
  if (size.n % size.block_n != 0 || size.k % size.block_k != 0)
    return Fault{"block", fmt::format("blocks of {} x {} do not divide weights of {} x {}", size.block_n, size.block_k,
                                      size.n, size.k)};
  const std::int64_t columns = (size.transposed ? size.n : size.k) / size.block_k;
  if (size.index_bits == 16 && columns > 65536)
    return Fault{"index_bits", fmt::format("16 bits do not count {} columns of units", columns)};
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
RowCounts read_mask(const std::string& name, const SpmmSize& size) {
  if (size.format == "csc") {  // single weights, stored by columns: it is those that are counted
    const std::int64_t rows = size.transposed ? size.k : size.n, columns = size.transposed ? size.n : size.k;
    read_unit_counts(name, rows, columns, 1, 1);  // refuses other sizes
    return row_counts(transpose(read_mask(parse_mask_name(name))));
  }
  if (size.transposed) return read_unit_counts(name, size.k, size.n, size.block_k, size.block_n);
  return read_unit_counts(name, size.n, size.k, size.block_n, size.block_k);
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

/// `pattern`: a row of the table, or any N:M. Empty after a mistake.
std::string read_pattern_name(config::MapReader& map) {
  const auto given = map.optional("pattern");
  const std::string name = given ? given->scalar() : "";
  if (!given || parse_n_of_m(name)) return map.text("pattern");
  if (name.find(':') != std::string::npos) {
    map.mistake("pattern", fmt::format("pattern cannot be \"{}\": of N:M, 0 < N < M <= 64", name));
    return {};
  }
  const auto names = known_patterns();
  map.choice("pattern", std::vector<std::string_view>(names.begin(), names.end()));
  return is_pattern(name) ? name : "";
}

/// The stored unit: [rows, columns] of the stored weights.
void read_block(config::MapReader& map, SpmmSize& size, bool all) {
  const auto block = map.integers("block", 1, 4096, 2);
  const auto given = map.optional("block");
  if (given ? given->type() != config::Node::Type::sequence : all) return;  // reported, or not needed
  if (block.size() != 2) return map.mistake("block", "block is [rows, columns] of a stored unit");
  size.block_n = block[size.transposed ? 1 : 0];
  size.block_k = block[size.transposed ? 0 : 1];
}

/// Counts of each device's part of a mask that devices share.
std::vector<RowCounts> read_shared_mask(const std::string& name, const SpmmSize& size, const MaskParts& parts) {
  const Mask whole = read_mask(parse_mask_name(name));
  const auto [rows, columns] = parts.whole(size.n, size.k);
  if (whole.rows != rows || whole.columns != columns)
    throw config::ConfigError(config::Mistake{{name, 0, 0},
                                              fmt::format("a mask of {} x {}, the devices share weights of {} x {}",
                                                          whole.rows, whole.columns, rows, columns),
                                              {},
                                              {}});
  for (std::size_t i = 0; !parts.by_inputs && i < parts.segments.size(); ++i)
    if (ceil_div(parts.segments[i], parts.shares[i]) % size.block_n != 0)
      throw config::ConfigError(config::Mistake{
          {name, 0, 0}, fmt::format("blocks of {} rows do not divide the part of a device", size.block_n), {}, {}});
  std::vector<RowCounts> counts;
  for (std::int64_t device = 0; device < parts.devices; ++device) {
    const Mask own = coarsen(parts.of(whole, device), size.block_n, size.block_k);
    counts.push_back(row_counts(size.format == "csc" ? transpose(own) : own));
  }
  return counts;
}

/// A share of zeros, or a mask beside the workload; where devices share it, `shared` has the counts of each.
void read_zeros(config::MapReader& map, SpmmSize& size, bool all, std::vector<RowCounts>& shared) {
  size.equal_rows = map.boolean("equal_rows", false);
  const std::string mask = map.text("mask", "");
  const MaskParts parts = all || !mask.empty() ? read_mask_parts(map, size.n) : MaskParts{};
  if (mask.empty()) {
    const auto share = config::Range::between(0, 1);
    size.sparsity = all ? map.number("sparsity", share, 0) : map.number("sparsity", share);
    return;
  }
  if (map.has("sparsity")) return map.mistake("sparsity", "give a mask, or the sparsity of one to draw, not both");
  try {
    const auto folder = std::filesystem::path(map.node().position().file).parent_path();
    const std::string name = (folder / mask).string();
    if (parts.devices > 1 && size.transposed)
      return map.mistake("mask_parts", "masks of transposed weights are not cut for devices");
    if (parts.devices > 1) shared = read_shared_mask(name, size, parts);
    size.mask = parts.devices > 1 ? shared.front() : read_mask(name, size);
    size.sparsity = 1 - size.mask.density();
  } catch (const config::ConfigError& error) {
    map.mistake("mask", fmt::format("{}: {}", mask, error.brief()), error.mistakes().front().hint);
  }
}

/// A mask beside the workload must be of the pattern; what a kernel does depends on the pattern alone.
void check_n_of_m_mask(config::MapReader& map, const SpmmSize& size) {
  const std::string mask = map.text("mask", "");
  if (mask.empty()) return;
  try {
    const auto folder = std::filesystem::path(map.node().position().file).parent_path();
    const auto [outputs, inputs] = read_mask_parts(map, size.n).whole(size.n, size.k);
    require_n_of_m((folder / mask).string(), outputs, inputs, size.block_n, size.n_kept, size.n_of);
  } catch (const config::ConfigError& error) {
    map.mistake("mask", fmt::format("{}: {}", mask, error.brief()), error.mistakes().front().hint);
  }
}

/// How the weights are stored, and by which kernels they are multiplied.
void read_format(config::MapReader& map, SpmmSize& size) {
  static constexpr std::array<std::string_view, 4> kQualities = {"best", "naive", "library", "tuned"};
  static constexpr std::array<std::string_view, 3> kSetups = {"none", "cached", "per_call"};
  std::vector<std::string> formats = {"any"};
  for (const auto& kind : sparse_kinds())
    if (!map.has("pattern") || &kind == find_sparse_kind(size.pattern))
      for (auto& format : formats_of(kind)) formats.push_back(std::move(format));
  size.format = map.choice("format", std::vector<std::string_view>(formats.begin(), formats.end()), "any");
  if (size.format == "any") size.format.clear();
  size.kernel = map.text("kernel", "");
  size.quality = map.choice("quality", kQualities, "best");
  if (size.quality == "best") size.quality.clear();
  size.setup = map.choice("setup", kSetups, "none");
  size.timed_call = map.boolean("timed_call", false);
}

/// The keys of the pattern, and what it leaves out. `all`: the pattern is not known (the schema's map has none), so the
/// keys of every pattern are taken and none is required.
void read_pattern(config::MapReader& map, SpmmSize& size, bool all, std::vector<RowCounts>& shared) {
  size.transposed = map.boolean("transposed", false);
  if (all || size.pattern == "vnm") {
    size.block_n = map.integer("v", 1, 65536, 128);
    size.n_of = static_cast<int>(all ? map.integer("columns", 4, 4096, 4) : map.integer("columns", 4, 4096));
  } else if (const auto ratio = parse_n_of_m(size.pattern)) {
    size.n_kept = ratio->kept;
    size.n_of = ratio->of;
  }
  if (all || size.pattern == "block" || size.pattern == "vector") read_block(map, size, all);
  if (all || !is_n_of_m(size.pattern)) {
    size.index_bits = static_cast<int>(map.integer("index_bits", 0, 32, 0));
    if (size.index_bits % 8 != 0 || size.index_bits == 24)
      map.mistake("index_bits", "index_bits is 8, 16 or 32; 0 leaves it to the kernel");
    read_zeros(map, size, all, shared);
  } else {
    size.sparsity = 1 - static_cast<double>(size.n_kept) / size.n_of;
    check_n_of_m_mask(map, size);
  }
}

}  // namespace

std::unique_ptr<Op> read_spmm(config::MapReader& map) {
  static constexpr std::array<std::string_view, 15> kTypes = {
      "fp32",      "tf32",      "fp16",      "bf16",      "fp8",       "int8",     "int4",    "int16xint8",
      "int8xint4", "int8xfp16", "int8xbf16", "int4xfp16", "int4xbf16", "fp8xfp16", "fp8xbf16"};
  static constexpr std::array<std::string_view, 2> kSums = {"fp32", "fp16"};
  SpmmSize size;
  size.m = map.integer("m", 1, kExtentMost);
  size.n = map.integer("n", 1, kExtentMost);
  size.k = map.integer("k", 1, kExtentMost);
  size.dtype = map.choice("dtype", kTypes, "fp16");
  size.accumulate = map.choice("accumulate", kSums, "fp32");
  size.activation_sparsity = map.number("activation_sparsity", config::Range::between(0, 1), 0);
  size.pattern = read_pattern_name(map);
  const bool known = is_pattern(size.pattern);
  if (!known) size.pattern = "unstructured";
  read_format(map, size);
  std::vector<RowCounts> shared;
  read_pattern(map, size, !known, shared);
  if (!known) return nullptr;  // reported
  if (const auto fault = find_fault(size)) {
    map.mistake(fault->key, fault->message);
    return nullptr;
  }
  if (shared.empty()) return std::make_unique<Spmm>(std::move(size));
  std::vector<Spmm> parts;
  for (RowCounts& counts : shared) {
    size.mask = std::move(counts);
    size.sparsity = 1 - size.mask.density();
    parts.emplace_back(size);
  }
  return std::make_unique<SpmmParts>(std::move(parts));
}

std::unique_ptr<Op> spmm_from_row(const MeasuredOp& row) {
  if (row.m < 1 || row.n < 1 || row.k < 1) throw UnsupportedError("an spmm row needs m, n and k");
  if (!is_pattern(row.pattern))
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
    if (const auto ratio = parse_n_of_m(size.pattern)) {
      size.n_kept = ratio->kept;
      size.n_of = ratio->of;
      size.sparsity = 1 - static_cast<double>(ratio->kept) / ratio->of;
    } else {
      read_n_of_m(param("nm"), param("v"), size);
    }
  } else if (row.sparsity) {
    size.sparsity = *row.sparsity;
  } else {
    throw UnsupportedError("an spmm row needs its sparsity");
  }
  size.transposed = param("transposed") == "true" || param("transposed") == "1";
  if (const std::string block = param("block"); !block.empty()) {
    const auto sizes = parse_block(block);
    if (!sizes) throw UnsupportedError("block is ROWSxCOLUMNS; the row says " + block);
    std::tie(size.block_n, size.block_k) = *sizes;
    if (size.transposed) std::swap(size.block_n, size.block_k);
  }
  if (const std::string sums = param("accumulate"); !sums.empty()) size.accumulate = sums;
  size.equal_rows = param("format") == "blocked_ell";
  size.format = param("format");
  const auto formats = formats_of(*find_sparse_kind(size.pattern));
  if (!size.format.empty() && std::find(formats.begin(), formats.end(), size.format) == formats.end())
    throw UnsupportedError(fmt::format("no model for {} weights in format {} (known: {})", size.pattern, size.format,
                                       fmt::join(formats, ", ")));
  if (const auto colon = row.kernel.find(':'); colon != std::string::npos)
    size.measured_quality = row.kernel.substr(0, colon);
  size.kernel = row.kernel.substr(row.kernel.find(':') + 1);
  size.timed_call = true;
  if (const auto fault = find_fault(size)) throw UnsupportedError(fault->message);
  // Blocked-ELL stores as many blocks in every row: the sparsity says how many.
  const std::string mask = param("mask");
  if (mask.starts_with("dlmc:") && !size.equal_rows) {
    size.mask = named_mask(mask.substr(5), size, row.masks);
    size.sparsity = 1 - size.mask.density();
  }
  return std::make_unique<Spmm>(std::move(size));
}

}  // namespace sparsesim
