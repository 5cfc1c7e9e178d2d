#include "models/ops/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "models/ops/attention_kernel.h"
#include "models/ops/elementwise.h"
#include "models/ops/limits.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 31;

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
  call.dtype = size.dtype;
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
  pass.dtype = size.dtype;
  pass.reads = 0;  // the partial results come from L2: the attention launch counts them as scratch
  pass.writes = 1;
  pass.flops_per_element = 2.0 * static_cast<double>(splits);
  return lower_elementwise(pass, substrate);
}

// Scores are counted in 64 bits, times the head dimension; tiles of a head are walked one by one.
void check_size(const AttentionSize& size, const AttentionKernel& kernel) {
  const double heads = static_cast<double>(size.heads), queries = static_cast<double>(size.queries);
  require_at_most(static_cast<double>(size.batch) * heads * queries * static_cast<double>(size.keys), 0x1p52,
                  "attention scores");
  require_at_most(static_cast<double>(score_space(size, kernel).tiles()), kTasksMost, "tiles of one head");
}

Program lower_call(const AttentionSize& size, const LowerContext& context) {
  const Substrate& substrate = context.substrate;
  const AttentionKernel kernel = find_attention_kernel(size, substrate);
  check_size(size, kernel);
  const std::int64_t splits = key_splits(size, kernel, substrate);
  Program program;
  add_stage(program, lower_cache_write(size.batch * size.queries, static_cast<double>(size.kv_heads * size.head_dim),
                                       size.dtype, substrate));
  if (kernel.scheduler_pass && !context.ideal.metadata) add_stage(program, scheduler_pass(size, substrate));
  add_stage(program, lower_attention_kernel(size, kernel, splits, substrate, context.ideal));
  if (splits > 1) add_stage(program, combine_pass(size, splits, substrate));
  return program;
}

// What is wrong with the sizes, and at which key; nothing where they are fine.
struct Fault {
  std::string key, message;
};
std::optional<Fault> find_fault(const AttentionSize& size, std::optional<std::int64_t> window) {
  if (size.heads % size.kv_heads != 0)
    return Fault{"kv_heads", fmt::format("heads ({}) must be a multiple of kv_heads ({})", size.heads, size.kv_heads)};
  if (size.causal && size.queries > size.keys)
    return Fault{"queries", fmt::format("{} queries cannot follow {} keys", size.queries, size.keys)};
  if (!window) return std::nullopt;
  if (*window < 1) return Fault{"window", fmt::format("window is {}; a query sees at least itself", *window)};
  if (*window > size.keys)
    return Fault{"window", fmt::format("window ({}) is larger than the sequence ({})", *window, size.keys)};
  if (!size.causal) return Fault{"window", "a window needs causal: true"};
  return std::nullopt;
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
  if (value && (*value < 1 || *value > kMost))
    throw UnsupportedError(fmt::format("{}={} is out of range", name, *value));
  return value ? *value : *fallback;
}

}  // namespace

Program Attention::lower(const LowerContext& context) const { return lower_call(size_, context); }

Program Attention::lower_dense(const LowerContext& context) const {
  AttentionSize dense = size_;
  dense.window = 0;
  return lower_call(dense, context);
}

SparsitySummary Attention::sparsity(const LowerContext& context) const {
  if (size_.window == 0) return {};
  const AttentionKernel kernel = find_attention_kernel(size_, context.substrate);
  check_size(size_, kernel);
  const ScoreSpace space = score_space(size_, kernel);
  const WindowSavings savings = window_savings(space);
  if (savings.inactive == 0) return {};
  const double inactive = static_cast<double>(savings.inactive);
  SparsitySummary summary;
  summary.declared = inactive / (inactive + static_cast<double>(needed_scores(space, 0, space.rows())));
  summary.aligned_dispatch = static_cast<double>(savings.in_skipped) / inactive;
  summary.aligned_cache = static_cast<double>(savings.in_free_keys) / inactive;
  return summary;
}

std::unique_ptr<Op> read_attention(config::MapReader& map) {
  static constexpr std::array<std::string_view, 4> kTypes = {"fp16", "bf16", "fp8", "fp32"};
  static constexpr std::array<std::string_view, 2> kPhases = {"prefill", "decode"};
  AttentionSize size;
  size.batch = map.integer("batch", 1, kMost, 1);
  const std::string phase = map.choice("phase", kPhases, "prefill");
  if (map.has("queries") || map.has("keys")) {
    size.keys = map.integer("keys", 1, kMost);
    size.queries = map.integer("queries", 1, kMost, phase == "decode" ? 1 : size.keys);
    if (map.has("seq")) map.mistake("seq", "give seq, or queries and keys, not both");
  } else {
    size.keys = map.integer("seq", 1, kMost);
    size.queries = phase == "decode" ? 1 : size.keys;
  }
  size.heads = map.integer("heads", 1, 65536);
  size.kv_heads = map.integer("kv_heads", 1, 65536, size.heads);
  size.head_dim = map.integer("head_dim", 1, 1024);
  size.dtype = map.choice("dtype", kTypes, "bf16");
  size.causal = map.boolean("causal", true);
  std::optional<std::int64_t> window;
  if (map.has("window")) window = map.integer("window", 1, kMost);
  if (const auto fault = find_fault(size, window)) {
    map.mistake(fault->key, fault->message);
    return nullptr;
  }
  size.window = window.value_or(0);
  return std::make_unique<Attention>(std::move(size));
}

std::unique_ptr<Op> attention_from_row(const MeasuredOp& row) {
  if (row.pattern != "dense" && row.pattern != "window")
    throw UnsupportedError("attention covers the patterns dense and window; the row says " + row.pattern);
  AttentionSize size;
  size.batch = size_of(row, "batch", 1);
  size.keys = size_of(row, "seq");
  size.queries = size.keys;
  const auto phase = row.params.find("phase");
  if (phase != row.params.end() && phase->second == "decode") size.queries = 1;
  size.heads = size_of(row, "heads");
  size.kv_heads = size_of(row, "kv_heads", size.heads);
  size.head_dim = size_of(row, "head_dim");
  size.dtype = row.dtype;
  size.causal = integer_of(row, "causal").value_or(1) != 0;
  const auto window = integer_of(row, "window");
  if (row.pattern == "window" && !window) throw UnsupportedError("a window row needs window");
  if (const auto fault = find_fault(size, window)) throw UnsupportedError(fault->message);
  size.window = window.value_or(0);
  return std::make_unique<Attention>(std::move(size));
}

}  // namespace sparsesim
