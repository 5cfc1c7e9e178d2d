#include "models/ops/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>

#include "models/ops/attention/attention.h"
#include "models/ops/dense/collective.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/dense/send.h"
#include "models/ops/dynamic/activation.h"
#include "models/ops/dynamic/depth.h"
#include "models/ops/experts/grouped_gemm.h"
#include "models/ops/experts/moe.h"
#include "models/ops/gathers/embedding.h"
#include "models/ops/gathers/retrieval.h"
#include "models/ops/products/spgemm.h"
#include "models/ops/structured/structured_matrix.h"
#include "models/ops/structured/structured_pruning.h"
#include "models/ops/training/training.h"
#include "models/ops/weights/spmm.h"

namespace sparsesim {

namespace {

using config::MapReader;

constexpr std::array<OpKind, 21> kOps{{
    {"gemm", "matrix product of activations and weights", read_gemm, gemm_from_row},
    {"spmm", "matrix product with sparse weights", read_spmm, spmm_from_row},
    {"spgemm", "product of two sparse matrices", read_spgemm, spgemm_from_row},
    {"pruned_gemm", "matrix product with outputs, inputs or layers removed", read_pruned_gemm, pruned_gemm_from_row},
    {"pruned_attention", "attention with heads or layers removed", read_pruned_attention, pruned_attention_from_row},
    {"structured_matrix", "matrix product with low-rank, Monarch, butterfly, circulant or Toeplitz weights",
     read_structured_matrix, structured_matrix_from_row},
    {"embedding_bag", "rows of tables gathered by number and summed bag by bag", read_embedding_bag,
     embedding_bag_from_row},
    {"ivf_scan", "nearest vectors by inverted lists: choice of lists, their scan, merge", read_ivf_scan,
     ivf_scan_from_row},
    {"moe_ffn", "mixture-of-experts feed-forward layer: router, grouped products, combine", read_moe, moe_from_row},
    {"grouped_gemm", "one matrix product per expert, each with its own tokens", read_grouped_gemm,
     grouped_gemm_from_row},
    {"attention", "softmax attention: dense, or each query sees the keys of a pattern", read_attention,
     attention_from_row},
    {"elementwise", "reads and writes of whole tensors with little arithmetic", read_elementwise, elementwise_from_row},
    {"activation_gemm", "matrix product that skips the weights of zero activations", read_activation,
     activation_from_row},
    {"layer_stack", "transformer layers in which tokens and requests drop out", read_layer_stack, layer_stack_from_row},
    {"training_linear", "linear layer in training: products both ways, optimizer, mask update", read_training_linear,
     training_from_row},
    {"moe_training", "mixture-of-experts layer in training, exchanges both ways", read_moe_training, training_from_row},
    {"all_to_all", "each device sends a different part of its buffer to each other device",
     [](MapReader& map) { return read_collective("all_to_all", map); }, collective_from_row},
    {"all_gather", "each device ends with the parts of all",
     [](MapReader& map) { return read_collective("all_gather", map); }, collective_from_row},
    {"reduce_scatter", "each device ends with its part of the sum",
     [](MapReader& map) { return read_collective("reduce_scatter", map); }, collective_from_row},
    {"all_reduce", "each device ends with the sum of all buffers",
     [](MapReader& map) { return read_collective("all_reduce", map); }, collective_from_row},
    {"send", "each device of a pipeline's stage sends a buffer to one of the next", read_send, send_from_row},
}};

}  // namespace

std::span<const OpKind> op_kinds() { return kOps; }

const OpKind* find_op_kind(std::string_view name) {
  for (const auto& kind : op_kinds())
    if (kind.name == name) return &kind;
  return nullptr;
}

std::vector<std::string> op_kind_names() {
  std::vector<std::string> names;
  for (const auto& kind : op_kinds()) names.emplace_back(kind.name);
  return names;
}

namespace {

/// Measured rows name a product by what was multiplied; its pattern says which operation models it.
MeasuredOp resolved(MeasuredOp row) {
  const bool product = row.op == "gemm" || row.op == "spmm";
  const auto operand = row.params.find("operand");
  if (row.op == "gather_reduce") {
    row.op = "embedding_bag";
  } else if (product && operand != row.params.end() && operand->second == "activations") {
    row.op = "activation_gemm";
  } else if (product && row.pattern == "channels") {
    row.op = "pruned_gemm";
    if (row.sparsity && row.n > 0)
      row.params.try_emplace("kept_outputs",
                             fmt::format("{:.0f}", std::round((1 - *row.sparsity) * static_cast<double>(row.n))));
  } else if (product && row.pattern != "dense") {
    row.op = "spmm";
  }
  return row;
}

}  // namespace

std::unique_ptr<Op> op_from_row(const MeasuredOp& measured) {
  const MeasuredOp row = resolved(measured);
  if (const OpKind* kind = find_op_kind(row.op)) return kind->from_row(row);
  const auto names = op_kind_names();
  const std::string near = config::nearest(row.op, names);
  throw UnsupportedError(fmt::format("no model for op \"{}\"{} (known: {})", row.op,
                                     near.empty() ? "" : fmt::format(": did you mean \"{}\"?", near),
                                     fmt::join(names, ", ")));
}

}  // namespace sparsesim
