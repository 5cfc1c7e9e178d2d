#pragma once
// Fixed-size pieces of event lists, handed out by index so that the pool may move.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

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
  /// Fetches a chunk into the cache.
  void prefetch(std::uint32_t index) {
    const auto* bytes = reinterpret_cast<const char*>((*this)[index]);
    for (std::size_t line = 0; line < EventChunk::bytes; line += 64) __builtin_prefetch(bytes + line);
  }
  /// Where the list ended before it went on in this chunk.
  ListEnd& older(std::uint32_t index) { return older_[index]; }
  /// A chunk with any events in it. May move all chunks: hold indices, not references. Errors: std::bad_alloc.
  std::uint32_t take() {
    ++used_;
    if (!free_.empty()) {
      const std::uint32_t index = free_.chunk();
      free_ = older_[index];
      return index;
    }
    if (made_ >= older_.size()) grow();
    std::memset(static_cast<void*>((*this)[made_]), 0, EventChunk::bytes);  // whole blocks are read, used or not
    return made_++;
  }
  void give_back(std::uint32_t index) {
    --used_;
    older_[index] = free_;
    free_ = ListEnd::end_of(index);
  }
  /// Chunks taken and not given back.
  std::size_t used() const { return used_; }
  /// Whether the next take() moves the chunks.
  bool full() const { return free_.empty() && made_ >= older_.size(); }
  /// Takes all chunks back and keeps the memory.
  void reset() {
    made_ = 1;
    used_ = 0;
    free_ = {};
  }

 private:
  struct Free {
    void operator()(Event* events) const { std::free(events); }
  };
  void grow() {
    static constexpr std::size_t first_room = 32;  // 18 KiB: a short simulation needs no more
    static constexpr std::size_t huge_page = std::size_t{1} << 21;
    static constexpr std::size_t room_max = std::size_t{1} << 25;  // a ListEnd has 32 bits
    const std::size_t old_room = older_.size();
    if (old_room == room_max) throw std::bad_alloc();
    const std::size_t room = old_room == 0 ? first_room : 2 * old_room;
    const std::size_t bytes = room * EventChunk::bytes;
    const bool huge = bytes >= 2 * huge_page;
    const std::size_t alignment = huge ? huge_page : 64;
    const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;  // as aligned_alloc wants it
    auto* events = static_cast<Event*>(std::aligned_alloc(alignment, whole));
    if (events == nullptr) throw std::bad_alloc();
#ifdef __linux__
    if (huge)
      madvise(events, bytes, MADV_HUGEPAGE);  // advice: chunks are touched at random, and tables of pages missed
#endif
    if (old_room != 0) std::memcpy(static_cast<void*>(events), events_.get(), old_room * EventChunk::bytes);
    events_.reset(events);
    older_.resize(room);
  }
  std::unique_ptr<Event[], Free> events_;  // of all chunks, one after the other, from a cache line on
  std::vector<ListEnd> older_;             // also links the free chunks
  std::uint32_t made_ = 1, used_ = 0;
  ListEnd free_;  // as if full
};

}  // namespace sparsesim
