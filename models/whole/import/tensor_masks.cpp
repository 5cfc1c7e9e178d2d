#include "models/whole/import/tensor_masks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

#include "models/sparsity/formats/named_arrays.h"
#include "models/sparsity/pattern_fit.h"
#include "models/whole/layers.h"

namespace sparsesim {
namespace {

namespace fs = std::filesystem;

constexpr double kZerosLeast = 0.02;  // a few zeros are chance
constexpr std::size_t kShardsMost = 4096;

[[noreturn]] void refuse_weights(const std::string& path, const std::string& message, const std::string& hint = {}) {
  throw config::ConfigError(config::Mistake{{path, 0, 0}, message, hint, {}});
}

/// Files that an index names, each once, beside it.
std::vector<std::string> shards_of(const std::string& index) {
  config::Diagnostics diagnostics;
  config::Limits limits;
  limits.file_bytes = 64 << 20;  // a line per tensor
  limits.values = 1 << 22;
  const config::Node tree =
      load_json(config::read_text_file(index, limits.file_bytes, diagnostics), index, diagnostics, limits);
  diagnostics.throw_if_any();
  const auto map = tree.find("weight_map");
  if (!map || map->type() != config::Node::Type::map) refuse_weights(index, "has no weight_map from tensors to files");
  std::vector<std::string> files;
  for (const auto& [tensor, file] : map->entries()) {
    const std::string& name = file.scalar();
    if (name.empty() || name.find('/') != std::string::npos)
      refuse_weights(index, fmt::format("\"{}\" is no file beside the index", name));
    files.push_back((fs::path(index).parent_path() / name).string());
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  if (files.size() > kShardsMost) refuse_weights(index, fmt::format("{} files, at most {}", files.size(), kShardsMost));
  return files;
}

std::vector<std::string> weight_files(const std::string& weights) {
  std::error_code error;
  if (!fs::is_directory(weights, error))
    return weights.ends_with(".json") ? shards_of(weights) : std::vector<std::string>{weights};
  const fs::path folder(weights), index = folder / "model.safetensors.index.json", whole = folder / "model.safetensors";
  if (fs::exists(index, error)) return shards_of(index.string());
  if (fs::exists(whole, error)) return {whole.string()};
  refuse_weights(weights, "the folder has neither model.safetensors nor model.safetensors.index.json");
}

struct TensorPlace {
  std::string file;
  NamedArray tensor;
};

/// Every tensor of the files by name.
std::map<std::string, TensorPlace> tensors_in(const std::vector<std::string>& files) {
  std::map<std::string, TensorPlace> tensors;
  for (const std::string& path : files) {
    const ByteFile file(path);
    for (NamedArray& array : read_safetensors_arrays(file)) {
      const std::string name = array.name;
      tensors.emplace(name, TensorPlace{path, std::move(array)});
    }
  }
  return tensors;
}

/// What the zeros of one tensor are.
struct TensorZeros {
  double zeros = 0;  // share
  std::optional<NOfMPattern> pattern;
  std::int64_t free_rows = 0, free_columns = 0;
};

TensorZeros zeros_of(const TensorPlace& place) {
  const ByteFile file(place.file);
  const Mask mask = mask_of_array(file, place.tensor.array, MatrixView::first_is_rows);
  TensorZeros found;
  found.zeros = 1 - mask.density();
  if (found.zeros < kZerosLeast) return found;
  const FreeLines lines = free_lines(mask);
  found.free_rows = lines.rows;
  found.free_columns = lines.columns;
  for (const NOfMPattern pattern : {NOfMPattern{1, 4}, NOfMPattern{2, 8}, NOfMPattern{2, 4}, NOfMPattern{4, 8}}) {
    const double most = static_cast<double>(pattern.kept) / pattern.of;
    // A pattern that is half empty is chance.
    if (mask.density() > most / 2 && fit_n_of_m(mask, pattern).dropped == 0) {
      found.pattern = pattern;
      break;
    }
  }
  return found;
}

/// Refuses a tensor that is not outputs x inputs.
void require_shape(const TensorPlace& place, std::int64_t outputs, std::int64_t inputs) {
  const auto& shape = place.tensor.array.shape;
  if (shape.size() == 2 && shape[0] == outputs && shape[1] == inputs) return;
  refuse_weights(place.file, fmt::format("tensor {} has the shape [{}], config.json says [{}, {}]", place.tensor.name,
                                         fmt::join(shape, ", "), outputs, inputs));
}

/// Zeros of experts, expert by expert. One without any weight is removed; other zeros no kernel here can use, and they
/// are told.
class ExpertZeros {
 public:
  using Find = std::function<const TensorPlace*(const std::string& module)>;
  ExpertZeros(Checkpoint& checkpoint, Find find) : c_(checkpoint), find_(std::move(find)) {}

  void read() {
    const ExpertNames names = expert_names(c_.type);
    if (names.folder.empty()) {
      c_.notes.push_back("weights of experts were not read: the checkpoint stacks them; they run densely");
      return;
    }
    for (std::int64_t layer = 0; layer < c_.shape.layers; ++layer)
      if (has_experts(c_.shape, layer)) read_layer(names, layer);
    if (missing_ > 0)
      c_.notes.push_back(fmt::format("{} tensors of experts are not in the files and count as dense", missing_));
    if (sparse_ == 0) return;
    std::vector<std::string> patterns;
    for (const auto& [pattern, count] : patterns_) patterns.push_back(fmt::format("{} in {}", pattern, count));
    c_.notes.push_back(
        fmt::format("{} of {} tensors of experts have zeros, {:.0f} to {:.0f} % of an expert's ({}): they run densely, "
                    "for no kernel "
                    "is modeled for sparse grouped products",
                    sparse_, tensors_, 100 * least_, 100 * most_, fmt::join(patterns, ", ")));
  }
  std::int64_t unreadable() const { return unreadable_; }

 private:
  void read_layer(const ExpertNames& names, std::int64_t layer) {
    std::int64_t left = 0;
    for (std::int64_t expert = 0; expert < c_.shape.experts->count; ++expert)
      left += read_expert(names, layer, expert) ? 1 : 0;
    if (left == c_.shape.experts->count) return;
    if (left < c_.shape.experts->top_k) {
      c_.notes.push_back(
          fmt::format("layer {}: {} experts have weights, fewer than a token chooses: none is removed", layer, left));
      return;
    }
    RecipeRule rule;
    rule.modules = {"experts"};
    rule.first = rule.last = layer;
    rule.pattern = "experts";
    rule.keep = left;
    c_.recipe.push_back(std::move(rule));
  }

  /// Whether any weight of the expert is left.
  bool read_expert(const ExpertNames& names, std::int64_t layer, std::int64_t expert) {
    double zeros = 0, tensors = 0;
    for (const std::string_view tensor : names.tensors) {
      const bool down = tensor == names.tensors.back();
      const TensorPlace* place =
          find_(module_name(c_.type, layer, fmt::format("{}.{}.{}", names.folder, expert, tensor)));
      if (place == nullptr || !place->tensor.readable) {
        ++(place == nullptr ? missing_ : unreadable_);
        return true;
      }
      const std::int64_t inner = c_.shape.experts->intermediate;
      require_shape(*place, down ? c_.shape.hidden : inner, down ? inner : c_.shape.hidden);
      const TensorZeros found = zeros_of(*place);
      ++tensors;
      ++tensors_;
      zeros += found.zeros;
      if (found.zeros < kZerosLeast || found.zeros >= 1) continue;
      ++sparse_;
      ++patterns_[found.pattern ? fmt::format("{}:{}", found.pattern->kept, found.pattern->of) : "unstructured"];
    }
    const double share = zeros / tensors;
    if (share >= 1) return false;
    least_ = std::min(least_, share);
    most_ = std::max(most_, share);
    return true;
  }

  Checkpoint& c_;
  const Find find_;
  std::map<std::string, std::int64_t> patterns_;  // number of tensors
  std::int64_t tensors_ = 0, sparse_ = 0, missing_ = 0, unreadable_ = 0;
  double least_ = 1, most_ = 0;  // zeros of an expert that has weights
};

class WeightReader {
 public:
  WeightReader(const std::string& weights, std::string folder, Checkpoint& checkpoint)
      : tensors_(tensors_in(weight_files(weights))), weights_(weights), folder_(std::move(folder)), c_(checkpoint) {}

  void read() {
    const std::vector<CheckpointPart> parts = parts_of(c_.type, c_.shape);
    for (const CheckpointPart& part : parts)
      for (std::int64_t layer = 0; layer < c_.shape.layers; ++layer) read_part(part, layer);
    if (found_ == 0)
      refuse_weights(weights_, fmt::format("no tensor of a {} layer", c_.type),
                     fmt::format("looked for {}.weight", module_name(c_.type, 0, parts.front().tensors.front())));
    if (missing_ > 0)
      c_.notes.push_back(fmt::format("{} products have no tensors in the files and count as dense", missing_));
    if (unreadable_ > 0)
      c_.notes.push_back(fmt::format("{} tensors are of types whose zeros cannot be told", unreadable_));
    if (free_lines_ > 0)
      c_.notes.push_back(
          fmt::format("{} whole rows or columns of weights are zero: removed (patterns channels and heads) "
                      "they would save more",
                      free_lines_));
    if (!c_.shape.experts) return;
    ExpertZeros experts(c_, [this](const std::string& module) { return find(module); });
    experts.read();
    unreadable_ += experts.unreadable();
  }

 private:
  const TensorPlace* find(const std::string& module) const {
    for (const std::string& prefix : {std::string(), c_.type + ".", std::string("model.")})
      if (const auto found = tensors_.find(prefix + module + ".weight"); found != tensors_.end()) return &found->second;
    return nullptr;
  }

  void read_part(const CheckpointPart& part, std::int64_t layer) {
    if (part.part.starts_with("mlp") && has_experts(c_.shape, layer)) return;
    std::vector<const TensorPlace*> places;
    for (const std::string_view tensor : part.tensors) places.push_back(find(module_name(c_.type, layer, tensor)));
    if (std::find(places.begin(), places.end(), nullptr) != places.end()) {
      ++missing_;
      return;
    }
    ++found_;
    check_sizes(part, places);
    std::vector<TensorZeros> zeros;
    for (const TensorPlace* place : places) {
      if (!place->tensor.readable) {
        ++unreadable_;
        return;
      }
      zeros.push_back(zeros_of(*place));
      free_lines_ += zeros.back().free_rows + zeros.back().free_columns;
    }
    add_rule(part, layer, places, zeros);
  }

  void check_sizes(const CheckpointPart& part, const std::vector<const TensorPlace*>& places) const {
    const ModelShape& s = c_.shape;
    const Module module = modules_of(part.part).front();
    std::vector<PartTensor> wanted = sparsesim::tensors_of(s, module);
    if (wanted.size() != places.size()) {  // fused in the checkpoint
      for (std::size_t i = 1; i < wanted.size(); ++i) wanted.front().outputs += wanted[i].outputs;
      wanted.resize(1);
    }
    for (std::size_t i = 0; i < places.size(); ++i) require_shape(*places[i], wanted[i].outputs, wanted[i].inputs);
  }

  void add_rule(const CheckpointPart& part, std::int64_t layer, const std::vector<const TensorPlace*>& places,
                const std::vector<TensorZeros>& zeros) {
    const auto dense = [](const TensorZeros& z) { return z.zeros < kZerosLeast; };
    if (std::all_of(zeros.begin(), zeros.end(), dense)) return;
    RecipeRule rule;
    rule.modules = {std::string(part.part)};
    rule.first = rule.last = layer;
    const auto first = zeros.front().pattern;
    const bool same = first && std::all_of(zeros.begin(), zeros.end(), [&](const TensorZeros& z) {
                        return z.pattern && z.pattern->kept == first->kept && z.pattern->of == first->of;
                      });
    if (same) {
      rule.pattern = fmt::format("{}:{}", first->kept, first->of);
    } else {
      rule.pattern = "unstructured";
      for (const TensorPlace* place : places) {
        const fs::path near = fs::absolute(place->file).lexically_proximate(fs::absolute(folder_));
        rule.masks.push_back(fmt::format("{}:{}", near.string(), place->tensor.name));
      }
    }
    auto& rules = c_.recipe;
    const bool goes_on = !rules.empty() && rule.masks.empty() && rules.back().modules == rule.modules &&
                         rules.back().pattern == rule.pattern && rules.back().masks.empty() &&
                         rules.back().last == layer - 1;
    if (goes_on)
      rules.back().last = layer;
    else
      rules.push_back(std::move(rule));
  }

  const std::map<std::string, TensorPlace> tensors_;
  const std::string weights_, folder_;
  Checkpoint& c_;
  std::int64_t found_ = 0, missing_ = 0, unreadable_ = 0, free_lines_ = 0;
};

}  // namespace

void read_weight_patterns(const std::string& weights, const std::string& folder, Checkpoint& checkpoint) {
  WeightReader(weights, folder, checkpoint).read();
}

}  // namespace sparsesim
