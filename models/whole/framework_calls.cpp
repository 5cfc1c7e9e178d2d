#include "models/whole/framework_calls.h"

#include <array>
#include <string_view>

#include "models/whole/training_text.h"

namespace sparsesim {
namespace {

/// Operators that launch a kernel, in the forward pass. Sources: docs/models/host.md.
struct Part {
  std::string_view name;
  std::int64_t gated, plain;  // networks with gates: RMSNorm written out; others: LayerNorm, one kernel
};
constexpr std::array<Part, 9> kParts{{{"attention.norm", 9, 2},
                                      {"mlp.norm", 9, 2},
                                      {"head.norm", 9, 2},
                                      {"attention.rope", 20, 20},
                                      {"attention.scores", 3, 3},
                                      {"mlp.gate_up", 2, 1},
                                      {"mlp.activation", 2, 1},
                                      {"loss", 4, 4},
                                      {"optimizer", 9, 9}}};
constexpr std::int64_t kTensorsGated = 7, kTensorsPlain = 6;  // of a layer, with weights of their own in the optimizer
constexpr std::int64_t kSparseProduct = 5;                    // N:M weights as a tensor subclass

bool is_of(std::string_view name, std::string_view what) { return name.find(what) != std::string_view::npos; }

/// The part without the layers and the pass in front: "backward: layers 0-15: mlp.down" is mlp.down.
std::string_view part_of(std::string_view name) {
  const std::size_t colon = name.rfind(": ");
  return colon == std::string_view::npos ? name : name.substr(colon + 2);
}

std::int64_t forward_calls(std::string_view part, bool gated) {
  for (const Part& known : kParts)
    if (known.name == part) return gated ? known.gated : known.plain;
  return 1;
}

}  // namespace

FrameworkCalls framework_calls(const ModelOp& op, const Model& model) {
  const std::string_view part = part_of(op.name);
  const bool gated = model.shape.gated, backward = is_of(op.name, "backward: ");
  FrameworkCalls calls;
  calls.loop = backward || op.name.starts_with("recompute: ") ? 2 : 1;
  calls.dense = forward_calls(part, gated);
  if (part == "optimizer")
    calls.dense *= (gated ? kTensorsGated : kTensorsPlain) * ((model.shape.layers - 1) / model.parallel.pipeline + 1);
  const KeyList keys(op.keys);
  const bool sparse = keys.get("op") == "spmm" && keys.get("pattern").find(':') != std::string::npos;
  calls.sparse = sparse ? kSparseProduct * calls.dense : calls.dense;
  if (backward) calls.dense *= 2, calls.sparse *= 2;
  return calls;
}

}  // namespace sparsesim
