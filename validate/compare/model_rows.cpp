#include "validate/compare/model_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "models/ops/weights/spmm_formats.h"
#include "sim/config/reader.h"
#include "validate/compare/known_models.h"
#include "validate/compare/model_params.h"

namespace sparsesim {
namespace {

enum class RowPhase { prefill, decode, training };

RowPhase phase_of(const ModelParams& params) {
  const std::string name = params.text("phase", "prefill");
  if (lists("decode generation generate decoding token", name)) return RowPhase::decode;
  if (lists("training train step finetune fwd_bwd forward_backward", name)) return RowPhase::training;
  if (lists("prefill context forward encode inference infer prompt fwd", name)) return RowPhase::prefill;
  throw UnsupportedError(fmt::format("phase={} is none of prefill, decode, training", name));
}

/// Keys of a map by name, in order; later ones replace earlier ones.
class YamlMap {
 public:
  void set(const std::string& key, std::string value) {
    for (auto& [name, old] : keys_)
      if (name == key) return void(old = std::move(value));
    keys_.emplace_back(key, std::move(value));
  }
  void set(const std::string& key, std::int64_t value) { set(key, fmt::format("{}", value)); }
  std::optional<std::string> get(const std::string& key) const {
    for (const auto& [name, value] : keys_)
      if (name == key) return value;
    return std::nullopt;
  }
  std::string text() const {
    std::vector<std::string> parts;
    for (const auto& [key, value] : keys_) parts.push_back(fmt::format("{}: {}", key, value));
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
  }

 private:
  std::vector<std::pair<std::string, std::string>> keys_;
};

/// The known model's keys. Nested maps stay as they are written.
YamlMap known_shape(const ModelParams& params) {
  YamlMap shape;
  const std::string name = params.text("model");
  if (name.empty()) return shape;
  const KnownModel* known = find_known_model(name);
  if (known == nullptr) {
    if (params.has("layers") || params.has("hidden")) return shape;  // a name for people: the row has the shape itself
    const auto names = known_model_names();
    const std::string near = config::nearest(name, std::vector<std::string_view>(names.begin(), names.end()));
    throw UnsupportedError(fmt::format("no shape of model \"{}\"{}: give layers, hidden, heads, ...", name,
                                       near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near)));
  }
  const std::string text(known->shape);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t colon = text.find(": ", begin);
    std::size_t end = colon;
    for (int depth = 0; end < text.size() && (depth > 0 || text[end] != ','); ++end)
      depth += text[end] == '{' ? 1 : text[end] == '}' ? -1 : 0;
    shape.set(text.substr(begin, colon - begin), text.substr(colon + 2, end - colon - 2));
    begin = std::min(text.size(), end + 2);
  }
  return shape;
}

void set_experts(const MeasuredOp& row, const ModelParams& params, YamlMap& shape) {
  if (!params.has("experts")) return;
  YamlMap experts;
  experts.set("count", params.integer_or("experts", 1));
  experts.set("top_k", params.integer_or("top_k", 1));
  experts.set("intermediate", params.integer_or("expert_intermediate", params.integer_or("intermediate", row.n)));
  if (params.has("shared_experts")) experts.set("shared", params.integer_or("shared_experts", 0));
  if (params.has("dense_layers")) experts.set("dense_layers", params.integer_or("dense_layers", 0));
  if (params.has("routing")) experts.set("routing", config::yaml_text(params.text("routing")));
  shape.set("experts", experts.text());
}

/// Sizes that the row gives: as params, else the columns k (hidden) and n (intermediate).
YamlMap shape_of_row(const MeasuredOp& row, const ModelParams& params) {
  YamlMap shape = known_shape(params);
  const bool known = shape.get("hidden").has_value();
  if (!known && row.k > 0) shape.set("hidden", row.k);
  if (!known && row.n > 0) shape.set("intermediate", row.n);
  for (const char* key : {"layers", "hidden", "intermediate", "heads", "kv_heads", "head_dim", "vocabulary", "window"})
    if (params.has(key)) shape.set(key, *params.integer(key));
  set_experts(row, params, shape);
  const std::string kind = params.text("kind");
  if (lists("encoder bert vit", kind) || (params.has("causal") && !params.flag("causal", true)))
    shape.set("kind", "encoder");
  for (const char* key : {"gated", "tied"})
    if (params.has(key)) shape.set(key, params.flag(key, true) ? "true" : "false");
  if (!shape.get("hidden"))
    throw UnsupportedError(fmt::format("a {} row needs model, or layers, hidden, heads and intermediate", row.op));
  if (!shape.get("heads")) {
    const std::int64_t wide = shape.get("kind") ? 64 : 128;
    shape.set("heads", std::max<std::int64_t>(1, std::stoll(*shape.get("hidden")) / wide));
  }
  if (row.op == "layer") {
    shape.set("layers", 1);
    shape.set("vocabulary", 0);
    shape.set("embeddings", 0);
  }
  shape.set("dtype", row.dtype.empty() ? "bf16" : row.dtype);
  return shape;
}

std::string block_text(std::string text) {
  std::replace(text.begin(), text.end(), 'x', ',');
  if (text.find(',') == std::string::npos) text += "," + text;
  return "[" + text + "]";
}

std::string rule_text(const std::string& modules, const std::string& pattern, const std::string& share,
                      const ModelParams& params) {
  std::string rule = fmt::format("modules: [{}], pattern: {}", modules, config::yaml_text(pattern));
  if (!parse_n_of_m(pattern) && pattern != "window" && !share.empty()) rule += ", sparsity: " + share;
  if ((pattern == "block" || pattern == "vector") && params.has("block"))
    rule += ", block: " + block_text(params.text("block"));
  if (pattern == "window")
    for (const char* key : {"window", "sinks"})
      if (params.has(key)) rule += fmt::format(", {}: {}", key, params.text(key));
  return "  - {" + rule + "}\n";
}

/// "mlp:2:4,attention.qkv:unstructured:0.5", or what the row's columns say of all products.
std::string recipe_of(const MeasuredOp& row, const ModelParams& params) {
  const std::string share = row.sparsity ? fmt::format("{}", *row.sparsity) : "";
  const std::string given = params.text("recipe");
  std::string rules;
  for (std::size_t begin = 0; begin < given.size();) {
    const std::size_t end = std::min(given.find_first_of(",+", begin), given.size());
    const std::string item = given.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t colon = item.find_first_of(":=");
    if (colon == std::string::npos)
      throw UnsupportedError(fmt::format("recipe={}: rules are PART:PATTERN[:SHARE]", given));
    const std::string modules = item.substr(0, colon), rest = item.substr(colon + 1);
    const std::size_t cut = parse_n_of_m(rest) ? std::string::npos : rest.find_first_of(": ");
    rules += rule_text(modules, rest.substr(0, cut), cut == std::string::npos ? share : rest.substr(cut + 1), params);
  }
  if (!rules.empty()) return rules;
  std::string pattern = row.pattern;
  if (pattern.empty() || pattern == "dense" || pattern == "experts") return {};
  if (params.text("operand") == "activations") pattern = "activation";
  const char* usual = pattern == "window"     ? "attention.scores"
                      : pattern == "channels" ? "mlp"
                      : pattern == "heads"    ? "attention"
                                              : "all";
  std::string modules = params.text("modules", usual);
  std::replace(modules.begin(), modules.end(), '+', ',');
  return rule_text(modules, pattern, share, params);
}

/// What the row does not say: training spreads sequences over its devices, everything else the products.
std::string parallel_of(const MeasuredOp& row, const ModelParams& params, RowPhase phase) {
  YamlMap parallel;
  std::int64_t named = 1;
  for (const char* key : {"tensor", "expert", "pipeline", "data"}) {
    const auto devices = params.integer(key);
    if (!devices) continue;
    parallel.set(key, *devices);
    if (std::string_view(key) != "expert" || !params.has("tensor")) named *= *devices;
  }
  if (params.has("expert") && params.has("tensor"))
    named = named / std::max<std::int64_t>(1, *params.integer("tensor")) *
            std::max(*params.integer("expert"), *params.integer("tensor"));
  const char* rest = phase == RowPhase::training ? "data" : "tensor";
  if (row.devices > named && named > 0 && row.devices % named == 0 && !params.has(rest))
    parallel.set(rest, row.devices / named);
  return parallel.text();
}

/// Batch and length from what is there: m is the number of tokens.
struct RowPass {
  std::int64_t batch = 1, length = 1;
};
RowPass pass_of(const MeasuredOp& row, const ModelParams& params, std::int64_t usual_length) {
  RowPass pass;
  const auto batch = params.integer("batch"), seq = params.integer("seq");
  const std::int64_t tokens = row.m;
  pass.length = seq.value_or(batch && tokens > 0 ? std::max<std::int64_t>(1, tokens / std::max<std::int64_t>(1, *batch))
                             : tokens > 0        ? tokens
                                                 : usual_length);
  pass.batch = batch.value_or(tokens > 0 && pass.length > 0 ? std::max<std::int64_t>(1, tokens / pass.length) : 1);
  return pass;
}

std::string work_of(const MeasuredOp& row, const ModelParams& params, RowPhase phase, bool encoder) {
  YamlMap work;
  if (phase == RowPhase::decode) {
    work.set("phase", "decode");
    work.set("batch", params.integer("batch").value_or(std::max<std::int64_t>(1, row.m)));
    work.set("keys", params.integer("keys").value_or(params.integer_or("seq", 2048)));
    return "pass: " + work.text();
  }
  const bool pictures = params.text("model").find("it-") != std::string::npos;  // vit-, deit-: 196 patches and a class
  const RowPass pass = pass_of(row, params, pictures ? 197 : encoder ? 512 : 2048);
  work.set("batch", pass.batch);
  work.set("seq", pass.length);
  if (phase == RowPhase::prefill) {
    if (params.has("keys")) work.set("keys", *params.integer("keys"));
    return "pass: " + work.text();
  }
  work.set("optimizer", params.text("optimizer", row.op == "layer" ? "none" : "adam"));
  if (params.has("micro_batches")) work.set("micro_batches", *params.integer("micro_batches"));
  if (params.has("zero")) work.set("zero", *params.integer("zero"));
  const std::string recompute = params.text("recompute", "none");
  work.set("recompute", lists("full all 1 true yes", recompute)   ? "full"
                        : lists("selective attention", recompute) ? "selective"
                                                                  : "none");
  return "training: " + work.text();
}

/// Leaves out what is before the first layer and behind the last; who waited for it waits for what it waited for.
void keep_layer(Workload& workload) {
  std::vector<WorkloadOp> kept;
  std::vector<std::vector<int>> now(workload.ops.size());  // new numbers that stand for each old one
  for (std::size_t i = 0; i < workload.ops.size(); ++i) {
    WorkloadOp& op = workload.ops[i];
    std::vector<int> after;
    for (const int before : op.after)
      for (const int number : now[static_cast<std::size_t>(before)]) after.push_back(number);
    op.after = after;
    const bool outside = op.name.find("embedding") != std::string::npos || op.name.find("head") != std::string::npos;
    now[i] = outside ? after : std::vector<int>{static_cast<int>(kept.size())};
    if (!outside) kept.push_back(std::move(op));
  }
  workload.ops = std::move(kept);
}

}  // namespace

bool is_model_row(const MeasuredOp& row) { return row.op == "layer" || row.op == "model"; }

Workload workload_from_row(const MeasuredOp& row) {
  const ModelParams params(row);
  const RowPhase phase = phase_of(params);
  const YamlMap shape = shape_of_row(row, params);
  const std::string recipe = recipe_of(row, params);
  const std::string text = fmt::format("name: {}\nmodel: {}\n{}{}parallel: {}\n{}\n", row.op, shape.text(),
                                       recipe.empty() ? "" : "recipe:\n", recipe, parallel_of(row, params, phase),
                                       work_of(row, params, phase, shape.get("kind").value_or("decoder") == "encoder"));
  config::Diagnostics diagnostics;
  const config::Node tree = config::load_text(text, "row", diagnostics);
  diagnostics.throw_if_any();
  Workload workload = read_workload(tree);
  if (row.op == "layer") keep_layer(workload);
  return workload;
}

}  // namespace sparsesim
