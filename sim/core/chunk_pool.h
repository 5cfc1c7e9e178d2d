#pragma once
// Fixed-size pieces of event lists, handed out by index so that the pool may move.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "sim/core/event.h"

namespace sparsesim {

/// A chunk is 24 events: 9 cache lines, an odd number, so that the first lines of all chunks share the cache evenly.
/// How many of the events are in use is known to the list's owner.
struct EventChunk {
  static constexpr std::uint32_t capacity = 24;
  static constexpr std::size_t bytes = capacity * sizeof(Event);
};
static_assert(EventChunk::bytes == 9 * 64);

/// Where a list goes on: the number of the next free word of 8 bytes in the pool, three to an event. A multiple of a
/// chunk's words means that the newest chunk is full, and 0 that there is none: chunk 0 is never handed out.
struct ListEnd {
  static constexpr std::uint32_t event_words = sizeof(Event) / 8, chunk_words = EventChunk::bytes / 8;
  std::uint32_t word = 0;
  bool empty() const { return word == 0; }
  bool full() const { return word % chunk_words == 0; }
  ListEnd next() const { return {word + event_words}; }
  /// The newest chunk and the events in it; the list must not be empty.
  std::uint32_t chunk() const { return (word - 1) / chunk_words; }
  std::uint32_t count() const { return ((word - 1) % chunk_words + 1) / event_words; }
  static ListEnd start_of(std::uint32_t chunk) { return {chunk * chunk_words}; }
  static ListEnd end_of(std::uint32_t chunk) { return {(chunk + 1) * chunk_words}; }
};

/// Last in, first out, so that a chunk is reused while it is still in the cache. Index 0 is never handed out.
class ChunkPool {
 public:
  /// The events of a chunk.
  Event* operator[](std::uint32_t index) { return events_.get() + std::size_t{index} * EventChunk::capacity; }
  /// The event that `end` names; the list's newest chunk must not be full.
  Event& event_at(ListEnd end) {
    return *reinterpret_cast<Event*>(reinterpret_cast<std::uint64_t*>(events_.get()) + end.word);
  }
  /// Where the list ended before it went on in this chunk.
  ListEnd& older(std::uint32_t index) { return older_[index]; }
  /// A chunk with any events in it. May move all chunks: hold indices, not references. Errors: std::bad_alloc.
  std::uint32_t take() {
    if (!free_.empty()) {
      const std::uint32_t index = free_.chunk();
      free_ = older_[index];
      return index;
    }
    if (used_ >= older_.size()) grow();
    std::memset(static_cast<void*>((*this)[used_]), 0, EventChunk::bytes);  // whole blocks are read, used or not
    return used_++;
  }
  void give_back(std::uint32_t index) {
    older_[index] = free_;
    free_ = ListEnd::end_of(index);
  }
  /// Takes all chunks back and keeps the memory.
  void reset() {
    used_ = 1;
    free_ = {};
  }

 private:
  struct Free {
    void operator()(Event* events) const { std::free(events); }
  };
  void grow() {
    static constexpr std::size_t first_room = 32;                  // 18 KiB: a short simulation needs no more
    static constexpr std::size_t room_max = std::size_t{1} << 25;  // a ListEnd has 32 bits
    const std::size_t old_room = older_.size();
    if (old_room == room_max) throw std::bad_alloc();
    const std::size_t room = old_room == 0 ? first_room : 2 * old_room;
    auto* events = static_cast<Event*>(std::aligned_alloc(64, room * EventChunk::bytes));
    if (events == nullptr) throw std::bad_alloc();
    if (old_room != 0) std::memcpy(static_cast<void*>(events), events_.get(), old_room * EventChunk::bytes);
    events_.reset(events);
    older_.resize(room);
  }
  std::unique_ptr<Event[], Free> events_;  // of all chunks, one after the other, from a cache line on
  std::vector<ListEnd> older_;             // also links the free chunks
  std::uint32_t used_ = 1;
  ListEnd free_;  // as if full
};

}  // namespace sparsesim
