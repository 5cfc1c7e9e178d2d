#pragma once
// The one table of kinds of sparsity, as people name them.

#include <span>
#include <string_view>

#include "models/substrate/substrate.h"

namespace sparsesim {

/// A kind of sparsity: what is left out, how that is stored, and a workload to start from. Lists are space separated.
struct SparsityKind {
  std::string_view name;
  std::string_view description;      // one line: what is zero or left out
  std::string_view formats;          // how the pattern is stored or told, for people
  std::string_view ops;              // rows of the op table that have it
  std::string_view kernel_ops;       // `op` of the kernels that serve it
  std::string_view kernel_patterns;  // a pattern that such a kernel takes
  std::string_view workloads;        // shipped ones
};

/// Every kind, in the order in which they are listed to people.
std::span<const SparsityKind> sparsity_kinds();

/// Whether a kernel of a library serves the kind.
bool serves(const Kernel& kernel, const SparsityKind& kind);

}  // namespace sparsesim
