#include "models/whole/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "models/whole/layer_ops.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// Ops of all layers put together: those with the same text run one after the other, as one op.
class LayerMerge {
 public:
  explicit LayerMerge(const Model& model) : dense_(model.shape.layers, model.parallel.pipeline), left_(model) {}

  void add(const std::vector<LayerOp>& ops, const std::vector<std::int64_t>& layers) {
    for (const LayerOp& op : ops) {
      auto& of_name = texts_[op.name];
      const auto [found, fresh] = of_name.emplace(op.keys, entries_.size());
      if (fresh) entries_.push_back({op, {}, {}});
      Entry& entry = entries_[found->second];
      entry.layers.insert(entry.layers.end(), layers.begin(), layers.end());
      if (!op.removed) entry.kept.insert(entry.kept.end(), layers.begin(), layers.end());
    }
  }

  std::vector<ModelOp> ops() {
    std::vector<ModelOp> result;
    for (Entry& entry : entries_) {
      std::sort(entry.layers.begin(), entry.layers.end());
      ModelOp op;
      op.name = texts_[entry.op.name].size() > 1 ? fmt::format("layer{} {}: {}", entry.layers.size() > 1 ? "s" : "",
                                                               layers_text(entry.layers), entry.op.name)
                                                 : entry.op.name;
      op.repeat = dense_.most(entry.layers);
      op.removed = op.repeat - left_.most(entry.kept);
      op.keys = std::move(entry.op.keys);
      if (entry.op.rule != nullptr) op.place = entry.op.rule->place;
      result.push_back(std::move(op));
    }
    return result;
  }

 private:
  struct Entry {
    LayerOp op;
    std::vector<std::int64_t> layers, kept;  // of the dense twin; of them those that have it still
  };
  const LayerStages dense_, left_;
  std::vector<Entry> entries_;                                       // in the order of a pass
  std::map<std::string, std::map<std::string, std::size_t>> texts_;  // of each name, and the entry that has it
};

std::vector<ModelOp> layers_of(const Model& model, const LayerWork& work) {
  return merged_layers(model, work, 0, model.shape.layers - 1);
}

void append(std::vector<ModelOp>& ops, const std::vector<LayerOp>& more) {
  for (const LayerOp& op : more)
    ops.push_back({op.name, 1, op.keys, op.rule != nullptr ? op.rule->place : config::Position{}});
}

std::vector<ModelOp> pass_ops(const Model& model, const LayerWork& work, std::int64_t sequences) {
  std::vector<ModelOp> ops;
  if (work.tokens > 0) append(ops, embedding_layer(model, work.tokens));
  for (ModelOp& op : layers_of(model, work)) ops.push_back(std::move(op));
  if (sequences > 0) append(ops, head_layer(model, sequences));
  return ops;
}

/// What one replica has of a pass.
Pass replica_share(const Model& model, Pass pass) {
  for (AttentionCall& call : pass.calls) call.batch = ceil_div(call.batch, model.parallel.data);
  return pass;
}

}  // namespace

std::int64_t Pass::tokens() const {
  std::int64_t sum = 0;
  for (const AttentionCall& call : calls) sum += call.batch * call.queries;
  return sum;
}

std::int64_t Pass::sequences() const {
  std::int64_t sum = 0;
  for (const AttentionCall& call : calls) sum += call.batch;
  return sum;
}

std::vector<ModelOp> ops_of_pass(const Model& model, const Pass& pass) {
  const Pass share = replica_share(model, pass);
  return pass_ops(model, {share.tokens(), share.calls}, share.sequences());
}

std::vector<ModelOp> token_ops(const Model& model, std::int64_t tokens) { return pass_ops(model, {tokens, {}}, 0); }

std::vector<ModelOp> attention_ops(const Model& model, const AttentionCall& call) {
  return layers_of(model, {0, {call}});
}

std::vector<ModelOp> head_ops(const Model& model, std::int64_t sequences) {
  std::vector<ModelOp> ops;
  append(ops, head_layer(model, sequences));
  return ops;
}

std::vector<ModelOp> latency_ops(const Model& model, const Pass& pass) {
  Model whole = model;
  whole.parallel.pipeline = 1;
  std::vector<ModelOp> ops = ops_of_pass(whole, pass);
  const std::int64_t sends = model.parallel.pipeline - 1;
  if (sends == 0) return ops;
  const Pass share = replica_share(model, pass);
  const std::int64_t tokens = ceil_div(share.tokens(), DeviceShare(model).groups);
  const double bytes = static_cast<double>(tokens * model.shape.hidden) * bytes_per_element(model.shape);
  const std::int64_t tensor = model.parallel.tensor;
  std::vector<LayerOp> between = {exchange_op("stage.send", "send", bytes / static_cast<double>(tensor), tensor)};
  if (tensor > 1) between.push_back(exchange_op("stage.all_gather", "all_gather", bytes, tensor));
  std::vector<ModelOp> added;
  append(added, between);
  for (ModelOp& op : added) {
    op.repeat = sends;
    ops.push_back(std::move(op));
  }
  return ops;
}

std::vector<ModelOp> merged_layers(const Model& model, const LayerWork& work, std::int64_t first, std::int64_t last) {
  LayerMerge merge(model);
  for (LayerClass& layers : layer_classes(model)) {
    std::erase_if(layers.layers, [&](std::int64_t layer) { return layer < first || layer > last; });
    if (!layers.layers.empty()) merge.add(layer_ops(model, layers, work), layers.layers);
  }
  return merge.ops();
}

Model unpruned(const Model& model) {
  Model dense = model;
  dense.recipe.clear();
  dense.dynamics = {};
  return dense;
}

}  // namespace sparsesim
