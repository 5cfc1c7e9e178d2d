#pragma once
// A picture of a mask with the granules of the machine drawn on it.

#include <string>

#include "models/evaluate/inspect/inspection.h"

namespace sparsesim {

/// An SVG of at most 500 KB, whatever the size of the mask: the whole mask as density per cell, a part of it place by
/// place with lines and tiles drawn on it, how full every granule is, and what follows. The part shown is the first
/// whose density is nearest to the mean.
std::string picture_of(const Mask& mask, const Inspection& inspection);

}  // namespace sparsesim
