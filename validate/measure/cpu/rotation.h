#pragma once
// Operands as a network meets them: by the time a layer runs again, its weights have left the caches.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "validate/measure/cpu/context.h"

namespace sparsesim::measure {

/// Copies of an operand of that size that exceed three times the last cache together; at least one. Kernels of a
/// problem, up to two dozen, have theirs at the same time: so no more than a share of the memory, where the cache is
/// large for it.
inline std::size_t rotation_copies(std::size_t bytes, const CpuContext& context) {
  constexpr std::size_t kMostCopies = 4096;  // of 24 KB and less: then the copies' own bookkeeping would show
  constexpr std::size_t kMemoryShares = 48;
  const std::size_t most = context.memory_bytes ? context.memory_bytes / kMemoryShares : SIZE_MAX;
  const std::size_t wanted = std::min(3 * context.last_cache_bytes, most);
  return std::clamp<std::size_t>(bytes == 0 ? 1 : (wanted + bytes - 1) / bytes, 1, kMostCopies);
}

/// An operand (any copyable type whose copies are deep, as one made of Buffers) and its copies, used in turn.
template <class Operand>
class Rotation {
 public:
  /// `bytes` is what one call reads of the operand.
  Rotation(Operand operand, std::size_t bytes, const CpuContext& context) {
    const std::size_t count = rotation_copies(bytes, context);
    copies_.reserve(count);
    copies_.push_back(std::move(operand));
    while (copies_.size() < count) copies_.push_back(copies_.front());
  }
  const Operand& first() const { return copies_.front(); }
  const Operand& next() {
    at_ = at_ + 1 < copies_.size() ? at_ + 1 : 0;
    return copies_[at_];
  }
  std::size_t size() const { return copies_.size(); }

 private:
  std::vector<Operand> copies_;
  std::size_t at_ = 0;
};

}  // namespace sparsesim::measure
