#include "validate/compare/model_params.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "models/ops/op.h"

namespace sparsesim {
namespace {

/// A name and what else people call the same thing.
struct Spelling {
  std::string_view name;
  std::string_view others;  // space-separated
};
constexpr std::array<Spelling, 36> kSpellings{{
    {"model", "checkpoint network name"},
    {"phase", "stage mode pass"},
    {"batch", "bs batch_size global_batch sequences requests concurrency"},
    {"seq", "seq_len seqlen sequence sequence_length isl input_len prompt prompt_len s tokens_per_sequence"},
    {"keys", "context context_len ctx kv_len past kv_length position"},
    {"micro_batches", "microbatches num_micro_batches gradient_accumulation accumulation grad_accum"},
    {"tensor", "tp tensor_parallel tp_size"},
    {"expert", "ep expert_parallel ep_size"},
    {"pipeline", "pp pipeline_parallel pp_size"},
    {"data", "dp data_parallel dp_size replicas"},
    {"recipe", "sparse"},
    {"modules", "module part parts where layers_sparse"},
    {"optimizer", "optim"},
    {"recompute", "checkpointing activation_checkpointing"},
    {"zero", "zero_stage fsdp_stage"},
    {"layers", "num_layers n_layers num_hidden_layers depth"},
    {"hidden", "hidden_size d_model dim width embed_dim"},
    {"intermediate", "intermediate_size ffn ffn_hidden d_ff mlp_dim ffn_dim inter"},
    {"heads", "num_heads n_heads num_attention_heads q_heads"},
    {"kv_heads", "num_kv_heads n_kv_heads num_key_value_heads"},
    {"head_dim", "d_head head_size"},
    {"vocabulary", "vocab vocab_size"},
    {"gated", "glu swiglu"},
    {"kind", "arch architecture type"},
    {"window", "sliding_window"},
    {"experts", "num_experts n_experts num_local_experts"},
    {"top_k", "topk experts_per_token num_experts_per_tok"},
    {"expert_intermediate", "moe_intermediate moe_intermediate_size expert_inter"},
    {"shared_experts", "shared n_shared_experts"},
    {"dense_layers", "first_k_dense_replace"},
    {"routing", "router"},
    {"block", "block_size"},
    {"operand", ""},
    {"tied", "tie_word_embeddings"},
    {"causal", ""},
    {"sinks", ""},
}};

}  // namespace

bool lists(std::string_view words, std::string_view word) {
  for (std::size_t begin = 0; begin < words.size();) {
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    if (words.substr(begin, end - begin) == word) return true;
    begin = end + 1;
  }
  return false;
}

ModelParams::ModelParams(const MeasuredOp& row) {
  for (const Spelling& spelling : kSpellings)
    for (const auto& [name, value] : row.params)
      if (name == spelling.name || lists(spelling.others, name)) values_.emplace(spelling.name, value);
}

std::string ModelParams::text(const std::string& name, std::string fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? fallback : found->second;
}

std::optional<std::int64_t> ModelParams::integer(const std::string& name) const {
  const std::string value = text(name);
  if (value.empty()) return std::nullopt;
  std::int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end)
    throw UnsupportedError(fmt::format("{}={} is no whole number", name, value));
  return number;
}

std::int64_t ModelParams::integer_or(const std::string& name, std::int64_t fallback) const {
  return integer(name).value_or(fallback);
}

bool ModelParams::flag(const std::string& name, bool fallback) const {
  const std::string value = text(name);
  if (value.empty()) return fallback;
  return value != "0" && value != "false" && value != "no" && value != "none";
}

}  // namespace sparsesim
