#pragma once
// Expert layers on cores: one library call per expert that has rows, and passes over rows between them.

#include <cstdint>
#include <string>
#include <vector>

#include "models/ops/experts/moe.h"
#include "models/ops/op.h"

namespace sparsesim {

/// Rows of each expert times its own [k, n], one call of a dense library each.
struct ExpertProducts {
  std::vector<std::int64_t> counts;  // rows per expert
  std::int64_t n = 0, k = 0;
  std::string dtype;
  std::string kernel;  // "onednn_per_expert", or the library's name; empty: the fastest
  bool cold = true;    // rows come from DRAM and results go there; else both stay in the shared cache
};
/// Errors: UnsupportedError when no library multiplies the type.
Launch lower_cores_products(const ExpertProducts& products, const Substrate& substrate, const Ideal& ideal);

/// A layer on one machine whose router has run: choice of experts, rows gathered by expert, the products up,
/// activation, the products down, weighted sum. `counts` are tokens per expert. Errors: UnsupportedError for several
/// devices.
Program lower_cores_moe(const MoeSpec& spec, const std::vector<std::int64_t>& counts, const LowerContext& context);

/// The activation of `elements` of an expert's intermediate values.
Launch lower_cores_activation(const MoeSpec& spec, double elements, const Substrate& substrate);

/// A pass over bytes that lie in the caches: `reads` and `writes`, `issue` instructions in all.
Launch lower_cores_pass(const std::string& name, const std::string& dtype, double reads, double writes, double issue,
                        const Substrate& substrate);

}  // namespace sparsesim
