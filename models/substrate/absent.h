#pragma once
// Numbers and kernels of a machine taken away: what if it had no such cache, unit or kernel?

#include <string>

#include "models/substrate/substrate.h"

namespace sparsesim {

/// Takes away the number at `path`, or all numbers below it ("memory.side"), an operand type of the matrix unit
/// ("compute.pipes.tensor.fp8"), a kernel ("kernels.NAME") or a constant of one. Whether the machine's language has
/// such a path; what is not there stays so. Errors: SettingError for what every machine has.
bool take_away(Substrate& substrate, const std::string& path);

/// Whether the machine has a number or a kernel at `path` or below it.
bool has_at(const Substrate& substrate, const std::string& path);

}  // namespace sparsesim
