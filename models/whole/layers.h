#pragma once
// Which layers of a model are alike, and what its recipe says of each part of them.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/whole/model.h"

namespace sparsesim {

/// Parts of a layer that a recipe may name; the head is behind all layers.
enum class Module { qkv, scores, output, gate_up, down, head, experts };
inline constexpr std::size_t kModules = 7;

/// A word of recipes and the parts it stands for.
struct ModuleWord {
  std::string_view word;
  std::vector<Module> modules;
};
/// Every word, single parts first.
std::span<const ModuleWord> module_words();
/// The parts of a word; none for an unknown one.
std::vector<Module> modules_of(std::string_view word);

/// Layers with the same parts and the same rules.
struct LayerClass {
  std::vector<std::int64_t> layers;  // ascending
  bool experts = false;
  bool attention = true, network = true;            // blocks that are left; the network may be experts
  std::array<const RecipeRule*, kModules> rules{};  // of each part; null: dense. They point into the model
  const RecipeRule* rule(Module module) const { return rules[static_cast<std::size_t>(module)]; }
};
/// Classes of all layers, by their first layer. Of several rules for one part of a layer the last one counts.
std::vector<LayerClass> layer_classes(const Model& model);
/// The rule of the output head, or null.
const RecipeRule* head_rule(const Model& model);
/// Whether a layer has experts in place of a feed-forward network.
bool has_experts(const ModelShape& shape, std::int64_t layer);

/// Tensors of a part of a layer, which run as one product where nothing says otherwise: q, k and v; gate and up. Of
/// latent attention those that make latent vectors and queries. One without a name: the product itself.
struct PartTensor {
  std::string_view name;                 // "attention.q"
  std::int64_t outputs = 0, inputs = 0;  // rows and columns of the tensor
  std::int64_t heads = 0;                // of the outputs, divided as wholes; 1: every device has all; 0: no heads
};
std::vector<PartTensor> tensors_of(const ModelShape& shape, Module module);

/// Layers as people write them: "0-15", "0-2,40", "1,3,..,31".
std::string layers_text(const std::vector<std::int64_t>& layers);
/// Stages of a pipeline: consecutive layers, the first stages one more. Layers of which nothing is left are in none.
class LayerStages {
 public:
  explicit LayerStages(const Model& model);
  /// All layers of a model, before any is removed.
  LayerStages(std::int64_t layers, std::int64_t stages);
  bool has(std::int64_t layer) const { return index_[static_cast<std::size_t>(layer)] >= 0; }
  /// The stage of a layer that is left.
  std::size_t of(std::int64_t layer) const;
  std::int64_t left() const { return left_; }
  /// Of these layers, the most that one stage has.
  std::int64_t most(const std::vector<std::int64_t>& layers) const;

 private:
  std::vector<std::int64_t> index_;  // among the layers that are left; -1: none of them
  std::int64_t left_ = 0, stages_ = 1;
};

}  // namespace sparsesim
