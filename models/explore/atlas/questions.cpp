#include "models/explore/atlas/questions.h"

#include <fmt/format.h>

#include <array>

namespace sparsesim::atlas {
namespace {

constexpr std::array<std::int64_t, 4> kRows = {1, 16, 256, 4096};
constexpr std::string_view kProjection = "workload.ops.projection.";

WeightPattern block(std::string_view title, std::int64_t side) {
  return {title, "blocks", {.kind = "block", .family = fmt::format("{0}x{0}", side), .rows = side, .columns = side}};
}
WeightPattern vectors(std::string_view title, std::int64_t rows) {
  return {title, "vectors", {.kind = "vector", .family = fmt::format("{}x1", rows), .rows = rows}};
}

}  // namespace

std::span<const std::int64_t> projection_rows() { return kRows; }

const std::vector<WeightPattern>& weight_patterns() {
  static const std::vector<WeightPattern> patterns = {
      {"single weights", "single weights", {.kind = "unstructured", .family = ""}},
      vectors("vectors 8x1", 8),
      vectors("vectors 32x1", 32),
      {"2:4", "2:4", {.kind = "2:4", .family = "", .kept = 2, .of = 4}},
      {"1:M", "1:M", {.kind = "n:m", .family = "1:M", .kept = 1}},
      {"128:2:M", "V:N:M", {.kind = "vnm", .family = "128:2:M", .rows = 128, .kept = 2}},
      block("blocks 4x4", 4),
      block("8x8", 8),
      block("16x16", 16),
      block("32x32", 32),
      block("64x64", 64),
      block("128x128", 128),
  };
  return patterns;
}

Question projection(const WeightPattern& pattern, std::int64_t rows, double share, const std::string& dtype) {
  SpmmSize any;
  const auto size = pattern.candidate.size_at(any, share);
  if (!size) return {};
  Question question{"llm-projection", {}};
  const auto set = [&](std::string_view key, std::string value) {
    question.set.emplace_back(fmt::format("{}{}", kProjection, key), std::move(value));
  };
  set("m", std::to_string(rows));
  set("dtype", dtype);
  set("pattern", size->pattern);
  if (size->pattern == "vnm") {
    set("v", std::to_string(size->block_n));
    set("columns", std::to_string(size->n_of));
  } else if (!is_n_of_m(size->pattern)) {
    set("sparsity", fmt::format("{}", size->sparsity));
    if (size->pattern != "unstructured") set("block", fmt::format("[{}, {}]", size->block_n, size->block_k));
  }
  return question;
}

const std::vector<KindQuestion>& kind_questions() {
  static const std::vector<KindQuestion> questions = {
      {"channels",
       "half of the outputs of the projection removed, 16 tokens",
       "structured",
       "llm-channels",
       "workload.ops.projection.dtype",
       {},
       "gemm",
       "dense"},
      {"low rank",
       "a 4096 x 4096 projection as two of rank 1024, 16 tokens",
       "matrices",
       "llm-low-rank",
       "workload.ops.projection.dtype",
       {},
       "gemm",
       "dense"},
      {"4-bit 2:4",
       "the projection with 4-bit weights, two of four kept, 16 tokens",
       "quantised",
       "llm-projection",
       "",
       {{"workload.ops.projection.dtype", "int4xfp16"}},
       "",
       ""},
      {"activations",
       "half of the activations of one token below the threshold",
       "activation",
       "llm-activations",
       "workload.ops.projection.dtype",
       {},
       "",
       ""},
      {"sinks and window",
       "decode that keeps 2048 of 65536 keys, 16 sequences",
       "attention",
       "streaming-decode",
       "workload.ops.attention.dtype",
       {},
       "attention",
       "window"},
      {"retrieved keys",
       "decode that scores pages and reads 2048 of 65536 keys, 16 sequences",
       "attention",
       "retrieved-decode",
       "workload.ops.attention.dtype",
       {},
       "",
       ""},
      {"experts",
       "two of eight experts, 16 tokens",
       "experts",
       "llm-experts",
       "workload.ops.experts.dtype",
       {},
       "moe_ffn",
       ""},
      {"gathers",
       "20 rows of 256 bytes for each of 2048 requests, from 26 tables of a million",
       "gathers",
       "embedding-bags",
       "workload.ops.bags.dtype",
       {},
       "embedding_bag",
       ""},
      {"channels",
       "half of the outputs of the projection removed, 4096 tokens",
       "structured",
       "llm-channels",
       "workload.ops.projection.dtype",
       {{"workload.ops.projection.m", "4096"}},
       "gemm",
       "dense",
       true},
      {"low rank",
       "a 4096 x 4096 projection as two of rank 1024, 4096 tokens",
       "matrices",
       "llm-low-rank",
       "workload.ops.projection.dtype",
       {{"workload.ops.projection.m", "4096"}},
       "gemm",
       "dense",
       true},
      {"tokens",
       "a vision transformer of 24 layers that drops 30 % of its tokens three times",
       "tokens",
       "token-pruning-vit",
       "workload.ops.encoder.dtype",
       {},
       "",
       "",
       true},
      {"window",
       "attention over 32768 keys, of which each query sees 4096",
       "attention",
       "window-attention-32k",
       "workload.ops.attention.dtype",
       {},
       "attention",
       "window",
       true},
      {"experts",
       "two of eight experts, 4096 tokens",
       "experts",
       "llm-experts",
       "workload.ops.experts.dtype",
       {{"workload.ops.experts.tokens", "4096"}},
       "moe_ffn",
       "",
       true},
      {"sparse x sparse",
       "a graph and a mesh squared, pruned weights times sparse activations, in fp32",
       "products",
       "sparse-products",
       "",
       {},
       "",
       "",
       true},
      {"training 2:4",
       "both passes of a 4096 x 4096 projection, masks chosen anew each step, 16384 tokens",
       "training",
       "llm-training",
       "workload.ops.projection.dtype",
       {},
       "",
       "",
       true},
  };
  return questions;
}

const std::vector<UnitQuestion>& unit_questions() {
  static const std::vector<UnitQuestion> questions = {
      {.title = "Mixture of experts: how many tokens",
       .what = "Two of eight experts (Mixtral 8x7B) promise 4x. One token reads a quarter of the weights; a few tokens "
               "need all experts, and "
               "all weights are read; many tokens make the products the price.",
       .workload = "llm-experts",
       .dtype = "workload.ops.experts.dtype",
       .over = "workload.ops.experts.tokens",
       .values = {1, 4, 16, 64, 256, 1024, 4096},
       .target = 2,
       .op = "moe_ffn",
       .crossing = "2x again from"},
      {.title = "Sliding windows: how long a prompt",
       .what = "Causal attention over a prompt, each query sees the last 1024 keys, 32 heads.",
       .workload = "window-attention-32k",
       .dtype = "workload.ops.attention.dtype",
       .over = "workload.ops.attention.seq",
       .set = {{"workload.ops.attention.window", "1024"}},
       .values = {1024, 2048, 4096, 8192, 16384, 32768},
       .step = 128,
       .op = "attention",
       .pattern = "window",
       .crossing = "pays from"},
      {.title = "Retrieved keys: how long a context",
       .what = "Decode of 16 sequences that scores pages of 16 keys and reads 128 of them: two kernels more against "
               "the keys not read.",
       .workload = "retrieved-decode",
       .dtype = "workload.ops.attention.dtype",
       .over = "workload.ops.attention.seq",
       .values = {2048, 4096, 8192, 16384, 65536, 131072},
       .step = 256,
       .crossing = "pays from"},
      {.title = "Sparse activations: how many zeros, one token",
       .what = "The projection for one token; rows of weights that meet only zeros are not read.",
       .workload = "llm-activations",
       .dtype = "workload.ops.projection.dtype",
       .over = "workload.ops.projection.sparsity",
       .values = {0.1, 0.3, 0.5, 0.7, 0.9, 0.95},
       .step = 0.01,
       .crossing = "pays from"},
      {.title = "Sparse activations: the same for 4 tokens",
       .what = "Tokens choose on their own: a row of weights is spared only where all four are zero.",
       .workload = "llm-activations",
       .dtype = "workload.ops.projection.dtype",
       .over = "workload.ops.projection.sparsity",
       .set = {{"workload.ops.projection.m", "4"}},
       .values = {0.1, 0.3, 0.5, 0.7, 0.9, 0.95},
       .step = 0.01,
       .crossing = "pays from"},
      {.title = "Gathers: how many lookups",
       .what =
           "Requests for 20 random rows of 256 bytes in tables of a million: until a scan of the tables is as fast.",
       .workload = "embedding-bags",
       .dtype = "workload.ops.bags.dtype",
       .over = "workload.ops.bags.bags",
       .set = {{"workload.ops.bags.indices", "uniform"}, {"workload.ops.bags.tables", "1"}},
       .values = {256, 1024, 4096, 16384, 65536, 262144},
       .step = 256,
       .upward = false,
       .op = "embedding_bag",
       .crossing = "pays up to"},
  };
  return questions;
}

Question at_value(const UnitQuestion& question, double value, const std::string& dtype) {
  Question out{std::string(question.workload), {}};
  out.set.emplace_back(question.dtype, dtype);
  for (const auto& each : question.set) out.set.push_back(each);
  out.set.emplace_back(question.over, fmt::format("{}", value));
  return out;
}

const std::vector<NodeQuestion>& node_questions() {
  static const std::vector<NodeQuestion> questions = {
      {"256 tokens", 256}, {"8192 tokens", 8192}, {"65536 tokens", 65536}};
  return questions;
}

Question on_node(const NodeQuestion& question, int devices, const std::string& dtype) {
  return {"moe64",
          {{"workload.ops.ffn.dtype", dtype},
           {"workload.ops.ffn.devices", std::to_string(std::min(devices, kNodeExperts))},
           {"workload.ops.ffn.tokens", std::to_string(question.tokens)}}};
}

const std::vector<Probe>& probes() {
  static const std::vector<Probe> all = {
      {"single weights, 16 rows", 0, 16, 0.9},
      {"blocks of 32x32, 16 rows", 9, 16, 0.9},
      {"activations, one row", 0, 0, 0, 3},
      {"experts, 16 tokens", 0, 0, 0, 6},
      {"blocks of 128x128, 4096 rows", 11, 4096, 0.9},
      {"2:4, 4096 rows", 3, 4096, 0.5},
      {"window in 32768 keys", 0, 0, 0, 11},
  };
  return all;
}

}  // namespace sparsesim::atlas
