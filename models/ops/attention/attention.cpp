#include "models/ops/attention/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <mutex>
#include <optional>

#include "models/ops/attention/attention_backward.h"
#include "models/ops/attention/attention_index.h"
#include "models/ops/attention/attention_kernel.h"
#include "models/ops/attention/attention_pattern.h"
#include "models/ops/cores/core_attention.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "models/ops/row_map.h"

namespace sparsesim {
namespace {

// Every query is asked for its runs, and every tile for its keys, 64 at a time: half a second each.
constexpr double kPatternRunsMost = 1 << 25;
constexpr double kPatternKeysMost = 0x1p33;

void add_stage(Program& program, Launch launch) {
  Stage stage;
  stage.launch = std::make_shared<const Launch>(std::move(launch));
  if (!program.stages.empty()) stage.after = {static_cast<int>(program.stages.size()) - 1};
  program.stages.push_back(std::move(stage));
}

// One block that counts the tiles of every sequence before the attention kernel starts.
Launch scheduler_pass(const AttentionSize& size, const Substrate& substrate) {
  StreamingCall call;
  call.name = "attention schedule";
  call.kernel = "schedule";
  call.dtype = size.result_dtype();
  call.read_bytes = call.write_bytes = 4.0 * static_cast<double>(size.batch);  // one length and one count per sequence
  call.trips = 4;                                                              // lengths, block scan, counts, semaphore
  call.threads = 1024;
  return lower_streaming(call, substrate);
}

// Reads the FP32 partial results of every cut and writes one.
Launch combine_pass(const AttentionSize& size, std::int64_t splits, const Substrate& substrate) {
  ElementwiseSize pass;
  pass.name = "attention combine";
  pass.elements = size.batch * size.queries * size.heads * size.head_dim;
  pass.dtype = size.result_dtype();
  pass.reads = 0;  // the partial results come from L2: the attention launch counts them as scratch
  pass.writes = 1;
  pass.flops_per_element = 2.0 * static_cast<double>(splits);
  return lower_elementwise(pass, substrate);
}

// Queries become elements of the type that the kernel multiplies, with one scale, before it starts.
Launch quantised_queries(const AttentionSize& size, const std::string& type, const Substrate& substrate) {
  ElementwiseSize pass;
  pass.name = "attention quantise";
  pass.elements = size.batch * size.queries * size.heads * size.head_dim;
  pass.dtype = size.dtype;
  pass.writes = element_bytes(type) / element_bytes(size.dtype);
  pass.flops_per_element = 2;  // product with the inverse scale, limit
  return lower_elementwise(pass, substrate);
}

// Scores are counted in 64 bits, times the head dimension; tiles of a head are walked one by one, and under a pattern
// the queries and blocks too.
void check_size(const AttentionSize& size, const AttentionKernel& kernel) {
  const double heads = static_cast<double>(size.heads), queries = static_cast<double>(size.queries);
  const double keys = static_cast<double>(size.keys);
  require_at_most(static_cast<double>(size.batch) * heads * queries * keys, 0x1p52, "attention scores");
  const ScoreSpace space = score_space(size, kernel);
  require_at_most(static_cast<double>(space.tiles()), kTasksMost, "tiles of one head");
  if (size.pattern == nullptr) return;
  require_at_most(queries * most_runs(size), kPatternRunsMost, "runs of keys under a pattern");
  require_at_most(static_cast<double>(space.tiles()) * keys, kPatternKeysMost, "keys of all tiles under a pattern");
}

BlockMap checked_map(const AttentionSize& size, const AttentionKernel& kernel, std::uint64_t seed,
                     bool by_keys = false) {
  check_size(size, kernel);
  return by_keys ? attention_key_map(size, kernel, seed) : attention_map(size, kernel, seed);
}

Program lower_backward_call(const AttentionSize& size, const AttentionKernel& kernel, const BlockMap& keys,
                            const BlockMap& queries, const LowerContext& context) {
  Program program;
  for (Launch& launch : lower_attention_backward(size, kernel, keys, queries, context.substrate, context.ideal))
    add_stage(program, std::move(launch));
  return program;
}

/// `asked` is the call as it was given, `size` as the machine runs it.
Program lower_call(const AttentionSize& asked, const AttentionSize& size, const AttentionKernel& kernel,
                   const BlockMap& map, const LowerContext& context) {
  const Substrate& substrate = context.substrate;
  if (on_cores(substrate)) {
    Program program;
    add_stage(program, lower_cores_attention(size, *kernel.kernel, map, substrate, context.ideal));
    return program;
  }
  const std::int64_t splits = key_splits(size, kernel, map, substrate);
  Program program;
  if (size.cached)
    add_stage(program, lower_cache_write(size.batch * size.queries, static_cast<double>(size.kv_heads * size.head_dim),
                                         asked.result_dtype(), substrate, size.kept_dtype()));
  if (size.dtype != asked.dtype) add_stage(program, quantised_queries(asked, size.dtype, substrate));
  for (Launch& launch : lower_attention_index(asked, kernel, substrate, context.ideal))
    add_stage(program, std::move(launch));
  if (kernel.scheduler_pass && !context.ideal.metadata) add_stage(program, scheduler_pass(size, substrate));
  add_stage(program, lower_attention_kernel(size, kernel, map, splits, substrate, context.ideal));
  if (splits > 1) add_stage(program, combine_pass(size, splits, substrate));
  return program;
}

std::optional<std::int64_t> integer_of(const MeasuredOp& row, const std::string& name) {
  const auto found = row.params.find(name);
  if (found == row.params.end()) return std::nullopt;
  std::int64_t value = 0;
  const char* end = found->second.data() + found->second.size();
  const auto parsed = std::from_chars(found->second.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end)
    throw UnsupportedError(fmt::format("{}={} is no whole number", name, found->second));
  return value;
}

std::int64_t size_of(const MeasuredOp& row, const std::string& name, std::optional<std::int64_t> fallback = {}) {
  const auto value = integer_of(row, name);
  if (!value && !fallback) throw UnsupportedError("an attention row needs " + name);
  if (value && (*value < 1 || *value > kExtentMost))
    throw UnsupportedError(fmt::format("{}={} is out of range", name, *value));
  return value ? *value : *fallback;
}

constexpr std::array<std::string_view, 4> kPhases = {"prefill", "decode", "forward", "backward"};

void set_phase(AttentionSize& size, std::string_view phase) {
  size.backward = phase == "backward";
  size.cached = phase != "forward" && phase != "backward";
}

}  // namespace

/// Maps counted so far.
struct MapMemo {
  struct Entry {
    const ScoreSpace space;
    const std::vector<std::string> patterns;  // of the kernel: they decide what it walks
    const std::uint64_t seed;
    const bool by_keys;
    std::shared_ptr<const BlockMap> map;
  };
  std::mutex mutex;
  std::vector<Entry> entries;
};

Attention::Attention(AttentionSize size) : size_(std::move(size)), memo_(std::make_shared<MapMemo>()) {}

std::shared_ptr<const BlockMap> Attention::map(const AttentionKernel& kernel, std::uint64_t seed, bool by_keys) const {
  const ScoreSpace space = score_space(size_, kernel);
  const std::vector<std::string>& patterns = kernel.kernel->patterns;
  const std::lock_guard lock(memo_->mutex);
  for (const MapMemo::Entry& entry : memo_->entries)
    if (entry.space == space && entry.patterns == patterns && entry.seed == seed && entry.by_keys == by_keys)
      return entry.map;
  auto counted = std::make_shared<const BlockMap>(checked_map(size_, kernel, seed, by_keys));
  memo_->entries.push_back({space, patterns, seed, by_keys, counted});
  return counted;
}

Program Attention::lower(const LowerContext& context) const {
  const AttentionSize size = with_kept_type(size_, context.substrate);
  const AttentionKernel kernel = find_attention_kernel(size, context.substrate);
  const auto queries = map(kernel, context.seed);
  if (size_.backward) return lower_backward_call(size_, kernel, *map(kernel, context.seed, true), *queries, context);
  return lower_call(size_, size, kernel, *queries, context);
}

Program Attention::lower_dense(const LowerContext& context) const {
  AttentionSize dense = size_;
  dense.window = 0;
  dense.pattern = nullptr;
  dense.kernel.clear();
  const AttentionSize size = with_kept_type(dense, context.substrate);
  const AttentionKernel kernel = find_attention_kernel(size, context.substrate);
  const BlockMap queries = checked_map(dense, kernel, context.seed);
  if (dense.backward)
    return lower_backward_call(dense, kernel, checked_map(dense, kernel, context.seed, true), queries, context);
  return lower_call(dense, size, kernel, queries, context);
}

/// Queries, results, and all keys and values: a pattern skips their reading, not their place.
double Attention::held_bytes(bool) const {
  const double queries = 2.0 * static_cast<double>(size_.queries) * static_cast<double>(size_.heads);
  const double keys = 2.0 * static_cast<double>(size_.keys) * static_cast<double>(size_.kv_heads);
  return static_cast<double>(size_.batch * size_.head_dim) *
         (queries * element_bytes(size_.dtype) + keys * element_bytes(size_.kept_dtype()));
}

SparsitySummary Attention::sparsity(const LowerContext& context) const {
  if (size_.dense()) return {};
  const AttentionKernel kernel = find_attention_kernel(with_kept_type(size_, context.substrate), context.substrate);
  const auto map = this->map(kernel, context.seed);
  if (map->savings.inactive == 0) return {};
  const double inactive = static_cast<double>(map->savings.inactive);
  SparsitySummary summary;
  summary.declared = inactive / (inactive + static_cast<double>(map->needed()));
  std::int64_t computed = 0, masked = 0;
  for (const TileBlocks& tile : map->tiles) {
    computed += tile.blocks();
    masked += tile.masked;
  }
  const ScoreSpace space = score_space(size_, kernel);
  summary.facts = {{"computed_per_needed", static_cast<double>(computed * space.tile_rows * space.tile_keys) /
                                               std::max(1.0, static_cast<double>(map->needed()))},
                   {"masked_blocks", static_cast<double>(masked) / std::max(1.0, static_cast<double>(computed))}};
  summary.aligned_dispatch = static_cast<double>(map->savings.in_skipped) / inactive;
  summary.aligned_cache = static_cast<double>(map->savings.in_free_keys) / inactive;
  return summary;
}

std::string why_keys_unpacked(const std::string& kv_dtype, std::int64_t head_dim, const Substrate& substrate) {
  AttentionSize call;
  call.queries = call.keys = 1;
  call.head_dim = head_dim;
  call.kv_dtype = kv_dtype;
  if (with_kept_type(call, substrate).dtype == kv_dtype) return {};
  return fmt::format("keys and values kept in {} are unpacked as they are read: {} has no attention kernel for {}",
                     kv_dtype, substrate.name, kv_dtype);
}

std::string read_kv_dtype(config::MapReader& map, const std::string& dtype) {
  static constexpr std::array<std::string_view, 2> kTypes = {"same", "fp8"};
  const std::string type = map.choice("kv_dtype", kTypes, "same");
  if (type == "same" || type == dtype) return {};
  if (dtype != "bf16" && dtype != "fp16")
    map.mistake("kv_dtype", fmt::format("keys and values kept in {} go with bf16 or fp16, not {}", type, dtype));
  return type;
}

std::unique_ptr<Op> read_attention(config::MapReader& map) {
  static constexpr std::array<std::string_view, 4> kTypes = {"fp16", "bf16", "fp8", "fp32"};
  AttentionSize size;
  size.batch = map.integer("batch", 1, kExtentMost, 1);
  const std::string phase = map.choice("phase", kPhases, "prefill");
  set_phase(size, phase);
  if (map.has("queries") || map.has("keys")) {
    size.keys = map.integer("keys", 1, kExtentMost);
    size.queries = map.integer("queries", 1, kExtentMost, phase == "decode" ? 1 : size.keys);
    if (map.has("seq")) map.mistake("seq", "give seq, or queries and keys, not both");
  } else {
    size.keys = map.integer("seq", 1, kExtentMost);
    size.queries = phase == "decode" ? 1 : size.keys;
  }
  size.heads = map.integer("heads", 1, 65536);
  size.kv_heads = map.integer("kv_heads", 1, 65536, size.heads);
  size.head_dim = map.integer("head_dim", 1, 1024);
  size.dtype = map.choice("dtype", kTypes, "bf16");
  size.kv_dtype = read_kv_dtype(map, size.dtype);
  if (!size.cached && !size.kv_dtype.empty()) map.mistake("kv_dtype", "training keeps no keys and values");
  size.causal = map.boolean("causal", true);
  const bool good = read_attention_pattern(map, size);
  if (const auto fault = find_attention_fault(size)) {
    map.mistake(fault->key, fault->message);
    return nullptr;
  }
  return good ? std::make_unique<Attention>(std::move(size)) : nullptr;
}

namespace {

/// A row with any other pattern has the keys of a workload as params. `block_mask` is a mask of blocks with the row's
/// sparsity (of the scores of the causal triangle where causal).
std::unique_ptr<Op> pattern_from_row(MeasuredOp row) {
  if (row.pattern == "block_mask") {
    row.pattern = "blocks";
    if (row.sparsity && !row.params.contains("mask"))
      row.params.try_emplace("sparsity", fmt::format("{}", *row.sparsity));
    if (const auto block = row.params.find("block"); block != row.params.end())
      block->second = block->second.substr(0, block->second.find('x'));
  }
  row.params["pattern"] = row.pattern;
  if (const auto causal = row.params.find("causal"); causal != row.params.end())
    causal->second = causal->second == "0" || causal->second == "false" ? "false" : "true";
  return read_row(row, read_attention);
}

}  // namespace

std::unique_ptr<Op> attention_from_row(const MeasuredOp& row) {
  if (row.pattern != "dense" && row.pattern != "window") return pattern_from_row(row);
  AttentionSize size;
  size.batch = size_of(row, "batch", 1);
  size.keys = size_of(row, "seq");
  size.queries = size.keys;
  if (const auto phase = row.params.find("phase"); phase != row.params.end()) {
    if (phase->second == "decode") size.queries = 1;
    set_phase(size, phase->second);
  }
  size.heads = size_of(row, "heads");
  size.kv_heads = size_of(row, "kv_heads", size.heads);
  size.head_dim = size_of(row, "head_dim");
  size.dtype = row.dtype;
  size.causal = integer_of(row, "causal").value_or(1) != 0;
  const auto window = integer_of(row, "window");
  if (row.pattern == "window" && !window) throw UnsupportedError("a window row needs window");
  if (window && *window < 1) throw UnsupportedError(fmt::format("window is {}; a query sees at least itself", *window));
  size.window = window.value_or(0);
  if (const auto fault = find_attention_fault(size)) throw UnsupportedError(fault->message);
  return std::make_unique<Attention>(std::move(size));
}

}  // namespace sparsesim
