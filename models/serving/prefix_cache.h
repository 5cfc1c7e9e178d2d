#pragma once
// Blocks of keys and values that requests with the same first tokens share (docs/serving.md).

#include <cstdint>
#include <list>
#include <map>
#include <utility>
#include <vector>

namespace sparsesim {

/// Full blocks of prefixes, counted from a prefix's first. Those that nobody holds are idle, in the order in which they
/// were let go: the first one is the first to go, the last block of a prefix before the ones in front of it. So what is
/// there of a prefix is always its first blocks.
class PrefixCache {
 public:
  /// How many of the first `most` blocks of a prefix are there.
  std::int64_t present(std::int64_t prefix, std::int64_t most) const;
  /// Of its first `count` blocks, all of them there, those that nobody holds.
  std::int64_t idle_among(std::int64_t prefix, std::int64_t count) const;
  /// One more holder of its first `count` blocks.
  void hold(std::int64_t prefix, std::int64_t count);
  /// Makes block `index` of a prefix, held once by who holds those in front of it. False where it is there already.
  bool add(std::int64_t prefix, std::int64_t index);
  /// One holder less of its first `count` blocks. Returns how many of them nobody holds now.
  std::int64_t release(std::int64_t prefix, std::int64_t count);
  /// Drops idle blocks until there are no more than `most`.
  void keep_idle(std::int64_t most);
  std::int64_t idle() const { return static_cast<std::int64_t>(idle_.size()); }

 private:
  using Idle = std::list<std::pair<std::int64_t, std::int64_t>>;  // (prefix, block), the first to go in front
  struct Block {
    std::int64_t holders = 0;
    Idle::iterator place = {};  // where nobody holds it
  };
  std::map<std::int64_t, std::vector<Block>> blocks_;
  Idle idle_;
};

}  // namespace sparsesim
