#pragma once
// A whole model as its checkpoint's config describes it: layers, their sizes, what is sparse, and how devices share it.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/ops/dense/scaled_weights.h"
#include "models/sparsity/routing/route_steps.h"
#include "sim/config/node.h"

namespace sparsesim {

enum class ModelKind {
  decoder,  // causal; prefill and decode, keys and values are kept
  encoder,  // every token sees every other: BERT, ViT
};

/// Experts in place of the feed-forward network of some layers.
struct ModelExperts {
  std::int64_t count = 0, top_k = 1;
  std::int64_t intermediate = 0;  // of one expert
  std::int64_t shared = 0;        // experts that every token visits
  std::int64_t dense_layers = 0;  // the first layers keep a dense network
  std::int64_t every = 1;         // of the other layers each every-th has experts
  std::string routing = "balanced";
};

/// Multi-head latent attention: keys and values are kept as one vector of kv_rank + rope_dim elements per token.
/// Source: DeepSeek-V2, arXiv 2405.04434, section 2.1.
struct ModelLatent {
  std::int64_t kv_rank = 0, query_rank = 0;                // query_rank 0: queries are projected directly
  std::int64_t nope_dim = 0, rope_dim = 0, value_dim = 0;  // per head
};

struct ModelShape {
  ModelKind kind = ModelKind::decoder;
  std::int64_t layers = 0, hidden = 0, intermediate = 0;
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0;
  bool gated = true;            // gate and up projections, else up alone
  std::int64_t vocabulary = 0;  // columns of the output head; 0: no head
  std::int64_t embeddings = 0;  // rows of tables that tokens are looked up in, or of the projection of patches
  bool tied = false;            // the head's weights are the embeddings
  std::int64_t window = 0;      // keys that a query sees at most; 0: all
  std::string dtype = "bf16";   // of weights, activations and kept keys and values
  std::string kv_dtype;         // of kept keys and values where that is another
  ScaledWeights weights;        // of the products and experts of layers, where they have fewer bits
  std::optional<ModelExperts> experts;
  std::optional<ModelLatent> latent;
};

/// One line of a recipe: what is sparse, where.
struct RecipeRule {
  std::vector<std::string> modules;  // words of docs/whole_models.md: attention.qkv, mlp.down, ...
  std::int64_t first = 0, last = 0;  // layers, both included
  std::string pattern;               // of spmm, or dense, channels, heads, window, activation
  double sparsity = 0;               // share of weights, channels, heads, experts or activations that are zero or gone
  std::int64_t keep = 0;  // of channels, heads or experts: so many of the whole model's are left; 0: by share
  config::Position place;
  std::string keys;                    // further keys of the op, as it has them: ", format: csr, block: [16, 16]"
  std::vector<std::string> masks;      // of weights: files with them, one per tensor of the product, or one of all
  std::int64_t window = 0, sinks = 0;  // of pattern window: keys that a query sees, and first keys that all see
};

/// How devices share one model. A replica is pipeline * max(tensor, expert) devices.
struct ModelParallel {
  std::int64_t tensor = 1;    // devices that split every product
  std::int64_t expert = 1;    // devices over which experts are spread; 1: experts are split as other products are
  std::int64_t pipeline = 1;  // groups of devices with consecutive layers
  std::int64_t data = 1;      // replicas
  std::int64_t devices() const { return pipeline * std::max(tensor, expert) * data; }
};

/// Generated tokens that are done after one of these layers, with these shares of all of them.
struct ModelExit {
  std::vector<std::int64_t> layers;
  std::vector<double> shares;
  std::int64_t classes = 0;  // outputs of the exit's classifier; 0: compares hidden states of two layers
};
/// Sequences that keep a share of their first tokens after each of these layers.
struct ModelPruning {
  std::vector<std::int64_t> layers;
  std::vector<double> shares;
  double spread = 0;  // relative standard deviation between sequences
};
/// Generated tokens most of whose inputs to some products are zero.
struct ModelActivity {
  std::vector<std::string> modules;  // words of recipes
  double sparsity = 0, spread = 0;   // share of zeros, and its standard deviation between tokens
  double overlap = 0;                // correlation of a channel's state between two tokens
};
/// What varies from token to token (docs/dynamic.md).
struct ModelDynamics {
  std::optional<ModelExit> exit;
  std::optional<ModelPruning> tokens;
  std::optional<ModelActivity> activation;
  std::int64_t routing_draws = 1;
  std::shared_ptr<const RouteSteps> routes;  // recorded: each pass takes those of one step; null: none
  std::int64_t route_step = -1;              // of them, that this pass takes; -1: none, routes are as the model says
  config::Position place;                    // of the section
  bool any() const { return exit || tokens || activation || routing_draws > 1 || routes; }
};

struct Model {
  ModelShape shape;
  std::vector<RecipeRule> recipe;
  ModelParallel parallel;
  ModelDynamics dynamics = {};
};

/// Sequences of equal lengths in one pass: the last `queries` of `keys` tokens are new.
struct AttentionCall {
  std::int64_t batch = 1, queries = 1, keys = 1;
};

/// What one pass through the model works on: prefill, decode, or both in one batch.
struct Pass {
  std::vector<AttentionCall> calls;
  std::int64_t tokens() const;     // rows of every product: the sum of batch * queries
  std::int64_t sequences() const;  // rows of the output head: the last token of each
};

/// An op of a pass as the workload language writes it.
struct ModelOp {
  std::string name;          // "attention.qkv", "mlp.down"; with "layers 0-15: " before it where layers differ
  std::int64_t repeat = 1;   // layers that have it, of the pipeline stage with most of them
  std::string keys;          // "op: gemm, m: 16, n: 6144, k: 4096, dtype: bf16"
  config::Position place;    // of the line of the recipe that it follows; without a file: of none
  std::int64_t removed = 0;  // of those runs, what the recipe takes out: the dense twin alone has them
  std::int64_t kept() const { return repeat - removed; }
};

/// The ops of a pass, in order, with the sizes of one device. Sequences are divided over the replicas, and over the
/// expert / tensor groups of a replica that share experts. The parts of a pass below give the same ops for what one
/// replica works on: equal text means equal time, so that callers with many passes ask for each text once.
std::vector<ModelOp> ops_of_pass(const Model& model, const Pass& pass);
/// Those that depend on the number of tokens of a replica alone: norms, products, experts, exchanges of all layers.
std::vector<ModelOp> token_ops(const Model& model, std::int64_t tokens);
/// Those of one call of a replica: attention of all layers.
std::vector<ModelOp> attention_ops(const Model& model, const AttentionCall& call);
/// Those after the last layer: norm and head, for `sequences` rows of a replica.
std::vector<ModelOp> head_ops(const Model& model, std::int64_t sequences);
/// What a pass takes from its first op to its last where layers are on several stages: every layer once, and what one
/// stage sends to the next.
std::vector<ModelOp> latency_ops(const Model& model, const Pass& pass);

/// Bytes on the fullest device of a replica.
struct ModelBytes {
  double weights = 0;       // values that are stored, in all layers, embeddings and the head
  double metadata = 0;      // places, offsets and masks of the sparse ones
  double kv_per_token = 0;  // of one sequence, all layers of the device
};
ModelBytes bytes_of(const Model& model);
/// Bytes of the keys and values that sequences of `keys` tokens keep on the fullest device of a replica: in layers
/// under a window no more than that many.
double kv_bytes(const Model& model, std::int64_t sequences, std::int64_t keys);

/// What a pass needs on its fullest device.
struct PassMemory {
  ModelBytes bytes;
  double dense_weights = 0;  // without the recipe
  double kv = 0;             // of all sequences of the pass
  // Of a training step: gradients, master weights and moments, and what the backward pass needs of the forward one.
  double gradients = 0, optimizer = 0, activations = 0;
  double total() const { return bytes.weights + bytes.metadata + kv + gradients + optimizer + activations; }
};
PassMemory memory_of(const Model& model, const Pass& pass);
/// The same model without its recipe, and with nothing dynamic.
Model unpruned(const Model& model);

}  // namespace sparsesim
