// Likely typos: optimal string alignment distance (insert, delete, replace, swap neighbours), letters of either case
// alike. Beyond a single slip, a word that is a part of another is nearer than letters say, and
// what other tools call a thing is nearest.

#include <algorithm>
#include <cctype>
#include <utility>

#include "sim/config/reader.h"

namespace sparsesim::config {
namespace {

constexpr std::size_t word_bytes_max = 64;  // a longer word is no typo of a key, and the cost is quadratic

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_back(b.size() + 1), back(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) back[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({back[j] + 1, row[j - 1] + 1, back[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], two_back[j - 2] + 1);
    }
    two_back.swap(back);
    back.swap(row);
  }
  return back[b.size()];
}

/// Whether one word is the whole beginning of the other ("vocab" of "vocabulary"), or its last part ("heads" of
/// "num_heads").
bool shares_part(std::string_view a, std::string_view b) {
  constexpr std::size_t shortest = 3;
  if (a.size() > b.size()) std::swap(a, b);
  if (a.size() < shortest || a.size() == b.size()) return false;
  const char before = b[b.size() - a.size() - 1];
  return b.starts_with(a) || (b.ends_with(a) && (before == '_' || before == '-' || before == '.'));
}

/// The one known word that shares a part with this; nothing where there are several.
template <class List>
std::string same_part(std::string_view word, const List& known) {
  std::string found;
  for (const auto& candidate : known) {
    if (!shares_part(word, candidate)) continue;
    if (!found.empty()) return {};
    found = candidate;
  }
  return found;
}

/// What other tools (Hugging Face, PyTorch, vLLM) call things that have another name here.
constexpr std::pair<std::string_view, std::string_view> words_of_others[] = {
    {"bfloat16", "bf16"},
    {"float16", "fp16"},
    {"half", "fp16"},
    {"float32", "fp32"},
    {"float8", "fp8"},
    {"vocab_size", "vocabulary"},
    {"num_key_value_heads", "kv_heads"},
    {"num_kv_heads", "kv_heads"},
    {"context", "keys"},
    {"context_length", "keys"},
    {"seq_len", "seq"},
    {"batch_size", "batch"},
    {"tp", "tensor"},
    {"ep", "expert"},
    {"pp", "pipeline"},
    {"dp", "data"},
    {"matmul", "gemm"},
    {"linear", "gemm"},
    {"csr", "unstructured"},
    {"qkv_proj", "attention.qkv"},
    {"o_proj", "attention.output"},
    {"gate_up_proj", "mlp.gate_up"},
    {"up_proj", "mlp.up"},
    {"down_proj", "mlp.down"},
    {"lm_head", "head"},
    {"ffn", "mlp"},
    {"attn", "attention"},
};

/// Our name for a word of theirs, where it is known here.
template <class List>
std::string same_meaning(std::string_view word, const List& known) {
  for (const auto& [theirs, ours] : words_of_others)
    if (theirs == word && std::find(known.begin(), known.end(), ours) != known.end()) return std::string(ours);
  return {};
}

template <class List>
std::string nearest_in(std::string_view word, const List& known) {
  if (word.empty() || word.size() > word_bytes_max) return {};
  if (const std::string meant = same_meaning(word, known); !meant.empty()) return meant;
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    if (candidate.size() > word_bytes_max) continue;
    const std::size_t longer = std::max(word.size(), candidate.size()),
                      shorter = std::min(word.size(), candidate.size());
    if (longer - shorter >= best_distance) continue;  // so many letters differ at least
    const std::size_t d = distance(word, candidate);
    if (d < best_distance && d < candidate.size()) {
      best_distance = d;
      best = candidate;
    }
  }
  if (best_distance <= 1) return best;
  const std::string part = same_part(word, known);
  return part.empty() ? best : part;
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string_view> known) { return nearest_in(word, known); }
std::string nearest(std::string_view word, const std::vector<std::string>& known) { return nearest_in(word, known); }

}  // namespace sparsesim::config
