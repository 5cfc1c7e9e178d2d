#include "models/whole/import/workload_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/config/reader.h"

namespace sparsesim {
namespace {

std::string model_text(const ModelShape& s) {
  const bool decoder = s.kind == ModelKind::decoder;
  std::string out = fmt::format("model:\n  kind: {}\n  layers: {}\n  hidden: {}\n", decoder ? "decoder" : "encoder",
                                s.layers, s.hidden);
  if (s.intermediate > 0) out += fmt::format("  intermediate: {}\n", s.intermediate);
  out += fmt::format("  heads: {}\n", s.heads);
  if (!s.latent) out += fmt::format("  kv_heads: {}\n  head_dim: {}\n", s.kv_heads, s.head_dim);
  out += fmt::format("  gated: {}\n  vocabulary: {}\n", s.gated, s.vocabulary);
  if (s.embeddings != s.vocabulary || !decoder) out += fmt::format("  embeddings: {}\n", s.embeddings);
  if (s.tied) out += "  tied: true\n";
  if (s.window > 0) out += fmt::format("  window: {}\n", s.window);
  out += fmt::format("  dtype: {}\n", s.dtype);
  if (!s.kv_dtype.empty()) out += fmt::format("  kv_dtype: {}\n", s.kv_dtype);
  if (s.weights.any()) out += fmt::format("  weights: {}\n  scale_block: {}\n", s.weights.type, s.weights.block);
  if (s.latent)
    out += fmt::format("  latent: {{kv_rank: {}, query_rank: {}, nope_dim: {}, rope_dim: {}, value_dim: {}}}\n",
                       s.latent->kv_rank, s.latent->query_rank, s.latent->nope_dim, s.latent->rope_dim,
                       s.latent->value_dim);
  if (s.experts)
    out +=
        fmt::format("  experts: {{count: {}, top_k: {}, intermediate: {}, shared: {}, dense_layers: {}, every: {}}}\n",
                    s.experts->count, s.experts->top_k, s.experts->intermediate, s.experts->shared,
                    s.experts->dense_layers, s.experts->every);
  return out;
}

std::string range_text(const RecipeRule& rule) {
  return rule.first == rule.last ? fmt::format("{}", rule.first) : fmt::format("{}-{}", rule.first, rule.last);
}

/// What a rule says of its layers.
std::string pattern_text(const RecipeRule& rule) {
  std::string out = fmt::format(", pattern: {}", config::yaml_text(rule.pattern));
  if (rule.window > 0) out += fmt::format(", window: {}", rule.window);
  if (rule.sinks > 0) out += fmt::format(", sinks: {}", rule.sinks);
  if (rule.sparsity > 0) out += fmt::format(", sparsity: {}", config::format_number(rule.sparsity));
  if (rule.keep > 0) out += fmt::format(", keep: {}", rule.keep);
  std::vector<std::string> masks;
  for (const std::string& mask : rule.masks) masks.push_back(config::yaml_text(mask));
  if (!masks.empty()) out += fmt::format(", masks: [{}]", fmt::join(masks, ", "));
  return out + rule.keys + "}\n";
}

/// Rules, those that follow each other and differ in their layers alone as one.
std::string recipe_text(const std::vector<RecipeRule>& recipe) {
  std::string out = recipe.empty() ? "" : "recipe:\n";
  for (std::size_t begin = 0, end = 0; begin < recipe.size(); begin = end) {
    const std::string pattern = pattern_text(recipe[begin]);
    std::vector<std::string> ranges;
    for (; end < recipe.size() && recipe[end].modules == recipe[begin].modules && pattern_text(recipe[end]) == pattern;
         ++end)
      ranges.push_back(range_text(recipe[end]));
    out += fmt::format("  - {{modules: [{}], layers: \"{}\"{}", fmt::join(recipe[begin].modules, ", "),
                       fmt::join(ranges, ", "), pattern);
  }
  return out;
}

std::string parallel_text(const ModelParallel& p) {
  if (p.devices() == 1) return {};
  return fmt::format("parallel: {{tensor: {}, expert: {}, pipeline: {}, data: {}}}\n", p.tensor, p.expert, p.pipeline,
                     p.data);
}

/// A comment of one line, whatever is in it.
std::string comment(const std::string& text) {
  std::string line = text;
  for (char& c : line)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return "# " + line + "\n";
}

}  // namespace

std::string workload_text(const Checkpoint& checkpoint, const ImportedPass& pass) {
  std::string out = comment(fmt::format("A {} checkpoint, from its config.json.", checkpoint.type));
  for (const std::string& note : checkpoint.notes) out += comment(note);
  const bool prefill = pass.phase == "prefill";
  const std::int64_t tokens =
      prefill ? pass.seq.value_or(checkpoint.sequence) : pass.keys.value_or(checkpoint.sequence);
  const std::string title =
      fmt::format("{}, {} of {} x {} {}", checkpoint.name, pass.phase, pass.batch, tokens, prefill ? "tokens" : "keys");
  out += fmt::format("name: {}\ntitle: {}\nseed: 1\n", config::yaml_text(checkpoint.name), config::yaml_text(title));
  out += model_text(checkpoint.shape);
  out += recipe_text(checkpoint.recipe);
  out += parallel_text(pass.parallel);
  out += fmt::format("pass: {{phase: {}, batch: {}, {}: {}", pass.phase, pass.batch, prefill ? "seq" : "keys", tokens);
  if (prefill && pass.keys) out += fmt::format(", keys: {}", *pass.keys);
  return out + "}\n";
}

}  // namespace sparsesim
