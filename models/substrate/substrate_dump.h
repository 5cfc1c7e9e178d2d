#pragma once
// Writing a machine without its kernel library, as a fingerprint is kept.

#include "models/substrate/substrate.h"

namespace sparsesim {

/// Constants in place of those of the library, by kernel.
using KernelAmendments = std::map<std::string, std::map<std::string, Quantity>>;

/// Every number of the machine as YAML, and of the kernels only `amendments`: the library is that of the architecture.
std::string dump_machine(const Substrate& substrate, const KernelAmendments& amendments);

}  // namespace sparsesim
