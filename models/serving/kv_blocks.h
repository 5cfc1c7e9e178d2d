#pragma once
// Paged memory for keys and values: a pool of blocks of equal size (Kwon et al., PagedAttention, SOSP 2023).

#include <algorithm>
#include <cstdint>

#include "sim/core/error.h"

namespace sparsesim {

class KvBlocks {
 public:
  explicit KvBlocks(std::int64_t capacity) : capacity_(capacity) {}
  /// False, and nothing is taken, where fewer than `count` are free.
  bool take(std::int64_t count) {
    require(count >= 0, "a negative number of blocks is taken");
    if (count > capacity_ - used_) return false;
    used_ += count;
    peak_ = std::max(peak_, used_);
    return true;
  }
  void give_back(std::int64_t count) {
    require(count >= 0 && count <= used_, "more blocks are given back than were taken");
    used_ -= count;
  }
  std::int64_t capacity() const { return capacity_; }
  std::int64_t used() const { return used_; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t capacity_ = 0, used_ = 0, peak_ = 0;
};

/// Blocks that a sequence holds while the tokens from `computed` up to `end` are worked on: those of all its tokens, or
/// with a window those that one of the new tokens still sees.
///
/// ceil(end / block) - floor(max(0, computed - window + 1) / block)
inline std::int64_t blocks_held(std::int64_t computed, std::int64_t end, std::int64_t block, std::int64_t window) {
  const std::int64_t unseen = window > 0 ? std::max<std::int64_t>(0, computed - window + 1) : 0;
  return (end + block - 1) / block - unseen / block;
}

/// The most that a sequence of so many kept tokens ever holds, when steps work on up to `chunk` of them.
inline std::int64_t most_blocks_held(std::int64_t tokens, std::int64_t chunk, std::int64_t block, std::int64_t window) {
  const std::int64_t all = (tokens + block - 1) / block;
  return window > 0 ? std::min(all, (window + chunk) / block + 2) : all;
}

}  // namespace sparsesim
