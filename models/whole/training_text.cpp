#include "models/whole/training_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "sim/config/reader.h"

namespace sparsesim {
namespace {

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

[[noreturn]] void refuse(const ModelOp& op, const std::string& what) {
  throw config::ConfigError(config::Mistake{op.place,
                                            fmt::format("{}: no model of {} in training", op.name, what),
                                            "patterns that train: dense, 2:4, unstructured, vector, block, window",
                                            {}});
}

std::string doubled(const KeyList& keys) {
  const double reads = std::stod(keys.get("reads")), writes = std::stod(keys.get("writes"));
  // What the forward pass read is read again, with the gradients of what it wrote.
  return fmt::format("op: elementwise, {}, reads: {}, writes: {}",
                     keys.only({"elements", "dtype", "flops_per_element"}), config::format_number(reads + writes),
                     config::format_number(reads));
}

}  // namespace

KeyList::KeyList(const std::string& text) {
  int depth = 0;
  bool quoted = false;
  std::string one;
  for (const char c : text + ",") {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '[' || c == '{')) ++depth;
    if (!quoted && (c == ']' || c == '}')) --depth;
    if (c != ',' || quoted || depth > 0) {
      one += c;
      continue;
    }
    const auto colon = one.find(": ");
    const auto begin = one.find_first_not_of(' ');
    if (colon != std::string::npos && begin < colon)
      keys_.emplace_back(one.substr(begin, colon - begin), one.substr(colon + 2));
    one.clear();
  }
}

std::string KeyList::get(std::string_view key) const {
  for (const auto& [name, value] : keys_)
    if (name == key) return value;
  return {};
}

std::string KeyList::only(std::initializer_list<std::string_view> wanted) const {
  std::vector<std::string> kept;
  for (const std::string_view key : wanted)
    if (const std::string value = get(key); !value.empty()) kept.push_back(fmt::format("{}: {}", key, value));
  return fmt::format("{}", fmt::join(kept, ", "));
}

std::string KeyList::operands() const {
  std::vector<std::string> kept;
  for (const auto& [key, value] : keys_)
    if (key != "op") kept.push_back(fmt::format("{}: {}", key, value));
  return fmt::format("{}", fmt::join(kept, ", "));
}

std::string sparse_part(const ModelOp& op, const char* part, const TrainingStep& step) {
  constexpr std::array<std::string_view, 4> kKnown = {"2:4", "unstructured", "vector", "block"};
  const KeyList keys(op.keys);
  const std::string pattern = unquoted(keys.get("pattern"));
  if (std::find(kKnown.begin(), kKnown.end(), pattern) == kKnown.end()) refuse(op, pattern + " weights");
  if (!keys.get("mask").empty()) refuse(op, "weights with a mask from a file");
  std::string text = fmt::format("op: training_linear, part: {}, {}, optimizer: none", part,
                                 keys.only({"m", "n", "k", "dtype", "pattern", "sparsity", "block"}));
  if (pattern == "2:4")
    text += fmt::format(", transposable: {}", step.transposable);
  else
    text += step.masks;
  return text;
}

std::string backward_keys(const ModelOp& op, const TrainingStep& step) {
  const KeyList keys(op.keys);
  const std::string kind = keys.get("op");
  if (op.removed > 0) refuse(op, "removed layers");
  if (!keys.get("kept_elements").empty() || !keys.get("kept_experts").empty()) refuse(op, "a pruned " + kind);
  if (kind == "gemm") return "op: training_linear, part: backward, optimizer: none, " + keys.operands();
  if (kind == "spmm") return sparse_part(op, "backward", step);
  if (kind == "attention" || kind == "pruned_attention") return op.keys + ", phase: backward";
  if (kind == "moe_ffn") return "op: moe_training, part: backward, optimizer: none, " + keys.operands();
  if (kind == "elementwise") return doubled(keys);
  if (kind == "all_gather") return "op: reduce_scatter, " + keys.operands();
  if (kind == "reduce_scatter") return "op: all_gather, " + keys.operands();
  if (kind == "all_reduce" || kind == "all_to_all" || kind == "send") return op.keys;
  refuse(op, kind);
}

std::string forward_keys(const ModelOp& op) {
  const std::string kind = KeyList(op.keys).get("op");
  return kind == "attention" || kind == "pruned_attention" ? op.keys + ", phase: forward" : op.keys;
}

}  // namespace sparsesim
