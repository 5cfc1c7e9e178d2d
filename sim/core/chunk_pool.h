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

/// Where a list goes on: the number of its next free event in the pool. A multiple of the capacity means that the
/// newest chunk is full, and 0 that there is none: chunk 0 is never handed out.
struct ListEnd {
  std::uint32_t next_event = 0;
  bool empty() const { return next_event == 0; }
  bool full() const { return next_event % EventChunk::capacity == 0; }
  /// The newest chunk and the events in it; the list must not be empty.
  std::uint32_t chunk() const { return (next_event - 1) / EventChunk::capacity; }
  std::uint32_t count() const { return (next_event - 1) % EventChunk::capacity + 1; }
  static ListEnd start_of(std::uint32_t chunk) { return {chunk * EventChunk::capacity}; }
};

/// Last in, first out, so that a chunk is reused while it is still in the cache. Index 0 is never handed out.
class ChunkPool {
 public:
  /// The events of a chunk.
  Event* operator[](std::uint32_t index) { return events_.get() + std::size_t{index} * EventChunk::capacity; }
  /// The event that `end` names; the list's newest chunk must not be full.
  Event& event_at(ListEnd end) { return events_.get()[end.next_event]; }
  /// The chunk that was the newest of the list before this one; 0: none.
  std::uint32_t& older(std::uint32_t index) { return older_[index]; }
  /// A chunk with any events in it. May move all chunks: hold indices, not references. Errors: std::bad_alloc.
  std::uint32_t take() {
    if (free_ != 0) {
      const std::uint32_t index = free_;
      free_ = older_[index];
      return index;
    }
    if (used_ >= older_.size()) grow();
    std::memset(static_cast<void*>((*this)[used_]), 0, EventChunk::bytes);  // whole blocks are read, used or not
    return used_++;
  }
  void give_back(std::uint32_t index) {
    older_[index] = free_;
    free_ = index;
  }
  /// Takes all chunks back and keeps the memory.
  void reset() {
    used_ = 1;
    free_ = 0;
  }

 private:
  struct Free {
    void operator()(Event* events) const { std::free(events); }
  };
  void grow() {
    static constexpr std::size_t first_room = 32;                  // 18 KiB: a short simulation needs no more
    static constexpr std::size_t room_max = std::size_t{1} << 27;  // a ListEnd has 32 bits
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
  std::vector<std::uint32_t> older_;       // also links the free chunks
  std::uint32_t used_ = 1;
  std::uint32_t free_ = 0;
};

}  // namespace sparsesim
