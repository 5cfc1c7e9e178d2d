#include "models/serving/prefix_cache.h"

#include <algorithm>

#include "sim/core/error.h"

namespace sparsesim {

std::int64_t PrefixCache::present(std::int64_t prefix, std::int64_t most) const {
  const auto found = blocks_.find(prefix);
  return found == blocks_.end() ? 0 : std::min(most, static_cast<std::int64_t>(found->second.size()));
}

std::int64_t PrefixCache::idle_among(std::int64_t prefix, std::int64_t count) const {
  if (count == 0) return 0;
  const std::vector<Block>& blocks = blocks_.at(prefix);
  return std::count_if(blocks.begin(), blocks.begin() + count, [](const Block& block) { return block.holders == 0; });
}

void PrefixCache::hold(std::int64_t prefix, std::int64_t count) {
  if (count == 0) return;
  std::vector<Block>& blocks = blocks_.at(prefix);
  for (std::int64_t i = 0; i < count; ++i) {
    Block& block = blocks[static_cast<std::size_t>(i)];
    if (block.holders++ == 0) idle_.erase(block.place);
  }
}

bool PrefixCache::add(std::int64_t prefix, std::int64_t index) {
  std::vector<Block>& blocks = blocks_[prefix];
  if (index < static_cast<std::int64_t>(blocks.size())) return false;
  require(index == static_cast<std::int64_t>(blocks.size()), "a block of a prefix without those in front of it");
  blocks.push_back({1, {}});
  return true;
}

std::int64_t PrefixCache::release(std::int64_t prefix, std::int64_t count) {
  if (count == 0) return 0;
  std::vector<Block>& blocks = blocks_.at(prefix);
  std::int64_t freed = 0;
  for (std::int64_t i = count; i-- > 0;) {
    Block& block = blocks[static_cast<std::size_t>(i)];
    require(block.holders > 0, "a block of a prefix is released more often than it was held");
    if (--block.holders > 0) continue;
    block.place = idle_.insert(idle_.end(), {prefix, i});
    ++freed;
  }
  return freed;
}

void PrefixCache::keep_idle(std::int64_t most) {
  while (idle() > most) {
    const auto [prefix, index] = idle_.front();
    std::vector<Block>& blocks = blocks_.at(prefix);
    require(index + 1 == static_cast<std::int64_t>(blocks.size()), "a block of a prefix went before those behind it");
    blocks.pop_back();
    if (blocks.empty()) blocks_.erase(prefix);
    idle_.pop_front();
  }
}

}  // namespace sparsesim
