#pragma once
// A cache of numbered lines that is managed by what is read and what is produced: least recently used goes first.

#include <cstdint>
#include <vector>

namespace sparsesim {

/// Fully associative. Lines that were produced here are written out when they are pushed out; those that were consumed
/// are gone.
class LineCache {
 public:
  /// lines: numbers 0..lines-1 may be used; capacity in lines, 0 or more.
  LineCache(std::int64_t lines, std::int64_t capacity);
  /// Reads a line; the next reader finds it if it is still there. True: found.
  bool read(std::int64_t line);
  /// Puts a line that exists nowhere else.
  void produce(std::int64_t line);
  /// Takes a produced line, for the last time. True: found; false: it was pushed out and comes from memory.
  bool consume(std::int64_t line);
  /// Produced lines pushed out so far.
  std::int64_t spilled() const { return spilled_; }

 private:
  struct Entry {
    std::uint32_t older = 0, younger = 0;
    bool kept = false, produced = false;
  };
  void insert(std::uint32_t line, bool produced);
  void unlink(std::uint32_t line);
  std::uint32_t head() const { return static_cast<std::uint32_t>(entries_.size() - 1); }

  std::vector<Entry> entries_;  // the last one is the ring's head: head -> oldest -> ... -> youngest -> head
  std::int64_t capacity_, held_ = 0, spilled_ = 0;
};

}  // namespace sparsesim
