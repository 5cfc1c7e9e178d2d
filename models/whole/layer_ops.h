#pragma once
// The ops of one layer, as the workload language writes them. Private to this folder.

#include <string>
#include <vector>

#include "models/whole/layers.h"

namespace sparsesim {

/// What one device has of a model.
struct DeviceShare {
  explicit DeviceShare(const Model& model);
  std::int64_t heads = 0, kv_heads = 0;  // a key head is copied where there are fewer of them than devices
  std::int64_t intermediate = 0, vocabulary = 0;
  std::int64_t tensor = 1;  // devices that split every product
  std::int64_t groups = 1;  // that divide the sequences of a replica among them and share its experts
};

/// One op of a layer. `values` are the bytes of its weights, dense; `sparse` says whether a rule replaces them by what
/// the op's own format stores.
struct LayerOp {
  std::string name, keys;
  const RecipeRule* rule = nullptr;
  double values = 0;
  bool sparse = false;
  bool removed = false;  // with its whole block: the dense twin alone has it
};

/// What of a layer is asked for.
struct LayerWork {
  std::int64_t tokens = 0;           // of a replica; 0: no op that depends on tokens alone
  std::vector<AttentionCall> calls;  // of a replica; none: no attention
};

/// The ops of a layer in order. `layer` is one of the class, for whose weights masks are named.
std::vector<LayerOp> layer_ops(const Model& model, const LayerClass& layers, const LayerWork& work);
/// The ops of layers `first` to `last`; equal ones are one, which goes by its layers where others have its name.
std::vector<ModelOp> merged_layers(const Model& model, const LayerWork& work, std::int64_t first, std::int64_t last);
/// Those before the first layer, and behind the last.
std::vector<LayerOp> embedding_layer(const Model& model, std::int64_t tokens);
std::vector<LayerOp> head_layer(const Model& model, std::int64_t sequences);

/// Elements of a product's output and input that a device has: [tokens, k] times [k, n].
struct ProductSize {
  std::int64_t m = 1, n = 1, k = 1;
};
/// A product under a rule of the recipe, or dense; `kept_n` and `kept_k` are what structured pruning leaves. Its
/// weights have the type of the activations.
LayerOp product_op(const ModelShape& shape, std::string name, const ProductSize& size, const RecipeRule* rule,
                   const ProductSize& kept = {0, 0, 0});
/// The same for a product of a layer, whose weights may have fewer bits.
LayerOp layer_product_op(const ModelShape& shape, std::string name, const ProductSize& size, const RecipeRule* rule,
                         const ProductSize& kept = {0, 0, 0});

/// Heads, channels and experts of a device that a rule leaves: whole groups of query heads with their key head where
/// there are several. All of them without such a rule.
struct KeptHeads {
  std::int64_t heads = 0, kv_heads = 0;
};
KeptHeads kept_heads(const DeviceShare& share, const RecipeRule* rule);
std::int64_t kept_channels(const DeviceShare& share, const RecipeRule* rule);

std::int64_t kept_experts(const Model& model, const RecipeRule* rule);  // of all devices

/// What cuts a rule's masks for the devices that split a product: keys of spmm, empty for one device. Of `tensor`
/// alone, or where that is null of all tensors of the part, which one mask stacks.
std::string mask_part_keys(const Model& model, Module part, const PartTensor* tensor);

/// The attention calls of a layer, with the products that latent attention needs for each.
void add_attention(const Model& model, const LayerClass& layers, const std::vector<AttentionCall>& calls,
                   std::vector<LayerOp>& ops);
/// An elementwise pass.
LayerOp pass_op(std::string name, std::int64_t elements, const std::string& dtype, double reads, double writes,
                double flops);
/// The same where structured pruning leaves `kept` of the elements.
LayerOp pruned_pass_op(std::string name, std::int64_t elements, std::int64_t kept, const std::string& dtype,
                       double reads, double writes, double flops);
/// A collective among `devices`; `bytes` of one rank's buffer.
LayerOp exchange_op(std::string name, const char* collective, double bytes, std::int64_t devices);

/// Bytes of one element of a model's type.
double bytes_per_element(const ModelShape& shape);

}  // namespace sparsesim
