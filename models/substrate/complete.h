#pragma once
// A fingerprint made whole: what was measured, and marked as such, what its base had to give.

#include <string>

#include "models/substrate/substrate.h"

namespace sparsesim {

/// The file at `path` with every number that its base gives written out, so that no change of the base changes it.
///
/// A number of the base stays what it is where it follows from the instruction set (matrix steps and their rates,
/// registers, the size of a line) and is a `spec`; any other becomes `guessed`, with the note "taken from BASE".
/// Kernels stay those of the library of `architecture`, with the constants of `kernels` in place.
/// Errors: those of load_substrate.
std::string complete_substrate(const std::string& path, const SearchPath& search);

}  // namespace sparsesim
