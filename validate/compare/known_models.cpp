#include "validate/compare/known_models.h"

#include <array>
#include <cctype>

namespace sparsesim {
namespace {

constexpr std::array<KnownModel, 52> kModels{{
    {"llama-7b", "layers: 32, hidden: 4096, intermediate: 11008, heads: 32, vocabulary: 32000"},
    {"llama-13b", "layers: 40, hidden: 5120, intermediate: 13824, heads: 40, vocabulary: 32000"},
    {"llama-30b", "layers: 60, hidden: 6656, intermediate: 17920, heads: 52, vocabulary: 32000"},
    {"llama-65b", "layers: 80, hidden: 8192, intermediate: 22016, heads: 64, vocabulary: 32000"},
    {"llama-2-7b", "layers: 32, hidden: 4096, intermediate: 11008, heads: 32, vocabulary: 32000"},
    {"llama-2-13b", "layers: 40, hidden: 5120, intermediate: 13824, heads: 40, vocabulary: 32000"},
    {"llama-2-70b", "layers: 80, hidden: 8192, intermediate: 28672, heads: 64, kv_heads: 8, vocabulary: 32000"},
    {"llama-3-8b", "layers: 32, hidden: 4096, intermediate: 14336, heads: 32, kv_heads: 8, vocabulary: 128256"},
    {"llama-3-70b", "layers: 80, hidden: 8192, intermediate: 28672, heads: 64, kv_heads: 8, vocabulary: 128256"},
    {"llama-3.1-8b", "layers: 32, hidden: 4096, intermediate: 14336, heads: 32, kv_heads: 8, vocabulary: 128256"},
    {"llama-3.1-70b", "layers: 80, hidden: 8192, intermediate: 28672, heads: 64, kv_heads: 8, vocabulary: 128256"},
    {"llama-3.1-405b", "layers: 126, hidden: 16384, intermediate: 53248, heads: 128, kv_heads: 8, vocabulary: 128256"},
    {"llama-3.2-1b",
     "layers: 16, hidden: 2048, intermediate: 8192, heads: 32, kv_heads: 8, vocabulary: 128256, tied: true"},
    {"llama-3.2-3b",
     "layers: 28, hidden: 3072, intermediate: 8192, heads: 24, kv_heads: 8, vocabulary: 128256, tied: true"},
    {"llama-3.3-70b", "layers: 80, hidden: 8192, intermediate: 28672, heads: 64, kv_heads: 8, vocabulary: 128256"},
    {"mistral-7b", "layers: 32, hidden: 4096, intermediate: 14336, heads: 32, kv_heads: 8, vocabulary: 32000"},
    {"mixtral-8x7b",
     "layers: 32, hidden: 4096, heads: 32, kv_heads: 8, vocabulary: 32000, experts: {count: 8, top_k: 2, "
     "intermediate: 14336}"},
    {"mixtral-8x22b",
     "layers: 56, hidden: 6144, heads: 48, kv_heads: 8, vocabulary: 32768, experts: {count: 8, top_k: 2, "
     "intermediate: 16384}"},
    {"qwen2.5-7b", "layers: 28, hidden: 3584, intermediate: 18944, heads: 28, kv_heads: 4, vocabulary: 152064"},
    {"qwen2.5-14b", "layers: 48, hidden: 5120, intermediate: 13824, heads: 40, kv_heads: 8, vocabulary: 152064"},
    {"qwen2.5-32b", "layers: 64, hidden: 5120, intermediate: 27648, heads: 40, kv_heads: 8, vocabulary: 152064"},
    {"qwen2.5-72b", "layers: 80, hidden: 8192, intermediate: 29568, heads: 64, kv_heads: 8, vocabulary: 152064"},
    {"qwen3-8b", "layers: 36, hidden: 4096, intermediate: 12288, heads: 32, kv_heads: 8, vocabulary: 151936"},
    {"qwen3-14b", "layers: 40, hidden: 5120, intermediate: 17408, heads: 40, kv_heads: 8, vocabulary: 151936"},
    {"qwen3-32b",
     "layers: 64, hidden: 5120, intermediate: 25600, heads: 64, kv_heads: 8, head_dim: 128, vocabulary: 151936"},
    {"qwen3-30b-a3b",
     "layers: 48, hidden: 2048, heads: 32, kv_heads: 4, head_dim: 128, vocabulary: 151936, experts: {count: 128, "
     "top_k: 8, intermediate: 768}"},
    {"qwen3-235b-a22b",
     "layers: 94, hidden: 4096, heads: 64, kv_heads: 4, head_dim: 128, vocabulary: 151936, experts: {count: 128, "
     "top_k: 8, intermediate: 1536}"},
    {"deepseek-v3",
     "layers: 61, hidden: 7168, intermediate: 18432, heads: 128, vocabulary: 129280, experts: {count: 256, top_k: 8, "
     "intermediate: 2048, shared: 1, dense_layers: 3}, latent: {kv_rank: 512, query_rank: 1536, nope_dim: 128, "
     "rope_dim: 64, value_dim: 128}"},
    {"gpt2", "layers: 12, hidden: 768, intermediate: 3072, heads: 12, gated: false, vocabulary: 50257, tied: true"},
    {"gpt2-medium",
     "layers: 24, hidden: 1024, intermediate: 4096, heads: 16, gated: false, vocabulary: 50257, tied: true"},
    {"gpt2-large",
     "layers: 36, hidden: 1280, intermediate: 5120, heads: 20, gated: false, vocabulary: 50257, tied: true"},
    {"gpt2-xl", "layers: 48, hidden: 1600, intermediate: 6400, heads: 25, gated: false, vocabulary: 50257, tied: true"},
    {"gpt3-175b",
     "layers: 96, hidden: 12288, intermediate: 49152, heads: 96, gated: false, vocabulary: 50257, tied: true"},
    {"opt-125m", "layers: 12, hidden: 768, intermediate: 3072, heads: 12, gated: false, vocabulary: 50272, tied: true"},
    {"opt-1.3b",
     "layers: 24, hidden: 2048, intermediate: 8192, heads: 32, gated: false, vocabulary: 50272, tied: true"},
    {"opt-2.7b",
     "layers: 32, hidden: 2560, intermediate: 10240, heads: 32, gated: false, vocabulary: 50272, tied: true"},
    {"opt-6.7b",
     "layers: 32, hidden: 4096, intermediate: 16384, heads: 32, gated: false, vocabulary: 50272, tied: true"},
    {"opt-13b",
     "layers: 40, hidden: 5120, intermediate: 20480, heads: 40, gated: false, vocabulary: 50272, tied: true"},
    {"opt-30b",
     "layers: 48, hidden: 7168, intermediate: 28672, heads: 56, gated: false, vocabulary: 50272, tied: true"},
    {"opt-66b",
     "layers: 64, hidden: 9216, intermediate: 36864, heads: 72, gated: false, vocabulary: 50272, tied: true"},
    {"opt-175b",
     "layers: 96, hidden: 12288, intermediate: 49152, heads: 96, gated: false, vocabulary: 50272, tied: true"},
    {"bert-base", "kind: encoder, layers: 12, hidden: 768, intermediate: 3072, heads: 12, embeddings: 31036"},
    {"bert-large", "kind: encoder, layers: 24, hidden: 1024, intermediate: 4096, heads: 16, embeddings: 31036"},
    {"vit-s", "kind: encoder, layers: 12, hidden: 384, intermediate: 1536, heads: 6, vocabulary: 1000"},
    {"vit-b", "kind: encoder, layers: 12, hidden: 768, intermediate: 3072, heads: 12, vocabulary: 1000"},
    {"vit-l", "kind: encoder, layers: 24, hidden: 1024, intermediate: 4096, heads: 16, vocabulary: 1000"},
    {"vit-h", "kind: encoder, layers: 32, hidden: 1280, intermediate: 5120, heads: 16, vocabulary: 1000"},
    {"vit-base", "kind: encoder, layers: 12, hidden: 768, intermediate: 3072, heads: 12, vocabulary: 1000"},
    {"vit-large", "kind: encoder, layers: 24, hidden: 1024, intermediate: 4096, heads: 16, vocabulary: 1000"},
    {"vit-huge", "kind: encoder, layers: 32, hidden: 1280, intermediate: 5120, heads: 16, vocabulary: 1000"},
    {"deit-s", "kind: encoder, layers: 12, hidden: 384, intermediate: 1536, heads: 6, vocabulary: 1000"},
    {"deit-b", "kind: encoder, layers: 12, hidden: 768, intermediate: 3072, heads: 12, vocabulary: 1000"},
}};

/// Words of a checkpoint's name that say nothing of its shape.
constexpr std::array<std::string_view, 14> kNoShape = {"hf",  "instruct", "chat", "it",   "meta", "uncased", "cased",
                                                       "v01", "v02",      "v03",  "fp16", "bf16", "patch16", "224"};

/// Letters and digits in lower case, by words; words without a shape left out.
std::string plain(std::string_view name) {
  name = name.substr(name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/') + 1);
  std::string result, word;
  const auto flush = [&] {
    bool says = true;
    for (const std::string_view other : kNoShape) says = says && word != other;
    if (says) result += word;
    word.clear();
  };
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    if (std::isalnum(c) != 0)
      word += static_cast<char>(std::tolower(c));
    else if (c != '.')
      flush();
  }
  flush();
  return result;
}

}  // namespace

const KnownModel* find_known_model(std::string_view name) {
  const std::string wanted = plain(name);
  for (const KnownModel& row : kModels)
    if (plain(row.name) == wanted) return &row;
  return nullptr;
}

std::vector<std::string> known_model_names() {
  std::vector<std::string> names;
  for (const KnownModel& row : kModels) names.emplace_back(row.name);
  return names;
}

}  // namespace sparsesim
