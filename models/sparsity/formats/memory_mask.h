#pragma once
// Masks from arrays that are in memory already: those of a program that hosts the simulator.

#include <string>
#include <vector>

#include "models/sparsity/mask.h"
#include "sim/config/memory_file.h"

namespace sparsesim {

/// An array as it lies in memory. Strides are in bytes, of any sign, 0 included.
struct ArrayView {
  ElementType type;
  const char* data = nullptr;
  std::vector<std::int64_t> shape, strides;  // equally many, at least one
};

/// The places whose elements are not zero, read where they lie; [a, b, c] is [a b, c]. Takes 4 bytes per stored place
/// and 8 per row, and a row's bytes where its elements are not next to each other.
/// Errors: config::ConfigError, without a place, for sizes beyond the limits of masks.
Mask mask_of_memory(const ArrayView& array);

/// A mask that workloads can name.
class MemoryMask : public config::MemoryFile {
 public:
  explicit MemoryMask(Mask mask) : mask_(std::move(mask)) {}
  const Mask& mask() const { return mask_; }

 private:
  Mask mask_;
};

}  // namespace sparsesim
