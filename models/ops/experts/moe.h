#pragma once
// Mixture-of-experts feed-forward layer: route, sort, two grouped products, activation, weighted sum.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/ops/experts/grouped_gemm.h"
#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "models/sparsity/routing/routing.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// Where experts live when several devices share a layer.
enum class Placement { contiguous, round_robin, listed, balanced };

/// One copy of an expert, and the tokens that it serves.
struct ExpertCopy {
  std::int64_t expert = 0;
  int device = 0;
  std::int64_t rows = 0;
};

struct MoeSpec {
  std::int64_t tokens = 0;        // of all devices, split evenly
  std::int64_t hidden = 0;        // width of a token
  std::int64_t intermediate = 0;  // of one expert
  std::int64_t experts = 1, top_k = 1, shared_experts = 0;
  bool gated = true;  // gate and up projections, else up alone
  std::string dtype = "bf16";
  ScaledWeights weights;  // of the experts, where they have fewer bits
  Routing routing;
  double capacity_factor = 0;  // 0: no limit
  bool capacity_pads = false;  // buffers of full capacity are multiplied, else only the rows there
  int devices = 1;
  Placement placement = Placement::contiguous;
  std::vector<std::int64_t> expert_device;  // of Placement::listed, [experts]
  std::int64_t replicas = 0;                // further copies of the most loaded experts, of Placement::balanced
  int overlap_chunks = 1;                   // pieces of the batch whose exchange and compute overlap
  std::string kernel;                       // of the grouped products; empty: the library's first
  std::int64_t pruned_experts = 0;  // experts that the dense twin has and this layer no longer: none of `experts`
  bool expected = false;            // the typical draw of a random routing
};

class MoeFfn : public Op {
 public:
  /// Errors: UnsupportedError for sizes that do not fit each other.
  explicit MoeFfn(MoeSpec spec);
  std::string_view kind() const override { return "moe_ffn"; }
  std::string_view pattern() const override { return "experts"; }
  int devices() const override { return spec_.devices; }
  const MoeSpec& spec() const { return spec_; }
  Program lower(const LowerContext& context) const override;
  /// Every token through every expert: one FFN of intermediate (experts + shared) * intermediate, tensor-parallel.
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override;
  double held_bytes(bool dense) const override;

  /// Tokens per expert after capacity, shared experts not included. Errors: UnsupportedError.
  Capacity capacity(const LowerContext& context) const;
  /// Every copy of every expert with its device and its share of the expert's tokens, in the order of the experts.
  ///
  /// Placement::balanced knows the loads: each further copy goes to the expert with most tokens per copy, then copies
  /// go to devices, heaviest first, each to the least loaded one with a free slot. Source: deepseek-ai/EPLB, eplb.py.
  std::vector<ExpertCopy> copies(const std::vector<std::int64_t>& counts) const;

 private:
  /// Experts touched, load of the fullest device over the mean, shares of choices dropped and of tokens that no expert
  /// takes, where they apply.
  std::vector<SparsityFact> facts(const Capacity& capacity) const;
  MoeSpec spec_;
};

/// The type in which a machine multiplies: that of the weights where it has a unit and a grouped kernel for it.
std::string expert_type(const MoeSpec& spec, const Substrate& substrate);
/// The tile of a call: the kernel's own, the library's for weights with scales, or choose_moe_tile().
MoeTile expert_tile(const MoeSpec& spec, const Kernel& kernel, std::int64_t tokens, std::int64_t experts,
                    const Substrate& substrate);

/// What is wrong with a layer, and at which key.
struct MoeFault {
  std::string key, message;
};
/// The first contradiction among sizes and placement; nothing where they are fine.
std::optional<MoeFault> find_moe_fault(const MoeSpec& spec);

/// Keys: docs/models/moe.md.
std::unique_ptr<Op> read_moe(config::MapReader& map);
/// m tokens, k hidden, n intermediate; params experts, top_k, routing, gated. Errors: UnsupportedError.
std::unique_ptr<Op> moe_from_row(const MeasuredOp& row);

}  // namespace sparsesim
