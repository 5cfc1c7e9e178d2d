#pragma once
// Several matrix products in one launch: each expert's rows times its own weights, as fused MoE kernels do it.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/ops/dense/scaled_weights.h"
#include "models/ops/experts/moe_tiles.h"
#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "models/sparsity/routing/routing.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// Rows of expert e, [counts[e], k], times its weights [k, n].
struct GroupedSize {
  std::vector<std::int64_t> counts;  // rows per expert
  std::int64_t n = 0, k = 0;
  std::string dtype = "bf16";    // that is multiplied
  ScaledWeights weights = {};    // of 8 bits: as read; results have 16 bits
  std::int64_t padded_rows = 0;  // every expert has at least so many rows, whatever its count (static buffers)
  bool naive = false;            // no sorting: every row is a row block of its own
  double source_rows = 0;        // distinct rows that are read, each by several experts
  std::int64_t grid_rows = 0;    // rows that the grid was sized for before the counts were known; 0: those there are
};

/// Constants of a grouped_gemm entry of the kernel library (docs/models/moe.md).
struct GroupedConstants {
  double tile_rule = 1;        // 0: vLLM's rule by experts, 1: by tokens
  double chunk_tokens = 0;     // the library runs larger batches in pieces of so many tokens; 0: whole
  double start_us = 0;         // per call, beyond the graph node
  double prologue_cycles = 0;  // address set-up; the dependent index loads come on top
  double index_loads = 2;      // loads of row and expert numbers that wait for each other
  double epilogue_cycles = 0;  // from the last multiply to the task's exit
  double epilogue_bytes_per_cycle = 64;
  double step_overhead_cycles = 0;     // barriers and addresses per main-loop step
  double step_latency_cycles = 0;      // barrier and first operand of a step: a task alone cannot step faster
  double multiply_latency_cycles = 0;  // of each dependent multiply in a step, one per step_k of depth
  double crossing_cost = 0;            // of a byte from the far side of a partitioned L2, beyond one from the near side
  double short_row_dram_share = 1;     // of dram_share where a step's rows are shorter than a line
  double wide_rows = 0;                // tiles of fewer rows run on the narrow instruction
  double narrow_rate = 1;              // its rate over the wide one's
  double tensor_share = 1;             // of the sustained rate that the compiler's main loop reaches
  double dram_share = 1;               // of the best streaming bandwidth
  double registers_base = 64;          // per thread, beside the accumulators
};

/// The first kernel of `substrate`'s library that multiplies `dtype` and whose name begins with `name`. `stand_in`: the
/// first of any name where there is no such (a measured row may name a kernel of another library).
/// Errors: UnsupportedError when the library has none.
const Kernel& find_grouped_kernel(const Substrate& substrate, const std::string& name, const std::string& dtype,
                                  bool stand_in = false);
/// Errors: UnsupportedError for a constant that this model does not know.
GroupedConstants grouped_constants(const Kernel& kernel);

/// The launch of one grouped product (docs/models/moe.md).
Launch lower_grouped(const GroupedSize& size, const MoeTile& tile, const Kernel& kernel, const Substrate& substrate,
                     const Ideal& ideal);

/// A grouped product alone: m rows in all, already sorted by expert.
class GroupedGemm : public Op {
 public:
  struct Spec {
    std::int64_t m = 0, n = 0, k = 0, experts = 1;
    std::string dtype = "bf16";
    Routing routing;        // of m rows, one expert each
    std::string kernel;     // name in the kernel library; empty: its first
    bool expected = false;  // the typical draw of a random routing
  };
  explicit GroupedGemm(Spec spec) : spec_(std::move(spec)) {}
  std::string_view kind() const override { return "grouped_gemm"; }
  std::string_view pattern() const override { return "experts"; }
  Program lower(const LowerContext& context) const override;
  /// All rows times every expert's weights.
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override;
  double held_bytes(bool dense) const override;

 private:
  std::vector<std::int64_t> counts(const LowerContext& context) const;
  Spec spec_;
};

/// Keys: m, n, k, experts, dtype (bf16), routing (balanced), kernel (optional).
std::unique_ptr<Op> read_grouped_gemm(config::MapReader& map);
/// Errors: UnsupportedError for missing sizes or params.
std::unique_ptr<Op> grouped_gemm_from_row(const MeasuredOp& row);

/// Dense product [m, k] x [k, n] cut into equal slices of n that share one launch, so that a huge one costs no more to
/// simulate than a slice. Appends its stages on `device`; returns the index of the last.
int append_dense_product(Program& program, const LowerContext& context, const GroupedSize& size, std::int64_t m,
                         int device);

}  // namespace sparsesim
