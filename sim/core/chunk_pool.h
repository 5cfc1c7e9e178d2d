#pragma once
// Fixed-size pieces of event lists, handed out by index so that the pool may move.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "sim/core/event.h"

namespace sparsesim {

/// 512 bytes: 21 events and a link to the next chunk. How many of the events are in use is known to the list's owner.
struct alignas(64) EventChunk {
  static constexpr std::uint32_t capacity = 21;
  std::uint32_t next;  // 0: none
  std::uint32_t unused;
  Event events[capacity];
};
static_assert(sizeof(EventChunk) == 512);

/// Last in, first out, so that a chunk is reused while it is still in the cache. Index 0 is never handed out.
class ChunkPool {
 public:
  EventChunk& operator[](std::uint32_t index) { return chunks_.get()[index]; }
  /// A chunk with undefined contents. May move all chunks: hold indices, not references. Errors: std::bad_alloc.
  std::uint32_t take() {
    if (free_ != 0) {
      const std::uint32_t index = free_;
      free_ = (*this)[index].next;
      return index;
    }
    if (used_ >= room_) grow();
    return used_++;
  }
  void give_back(std::uint32_t index) {
    (*this)[index].next = free_;
    free_ = index;
  }
  /// Takes all chunks back and keeps the memory.
  void reset() {
    used_ = 1;
    free_ = 0;
  }

 private:
  struct Free {
    void operator()(EventChunk* chunks) const { std::free(chunks); }
  };
  void grow() {
    static constexpr std::uint32_t first_room = 32;      // 16 KiB: a short simulation needs no more
    static constexpr std::uint32_t room_max = 1u << 27;  // an index shares a word of 32 bits with a count of 5
    if (room_ == room_max) throw std::bad_alloc();
    const std::uint32_t room = room_ == 0 ? first_room : 2 * room_;
    auto* chunks = static_cast<EventChunk*>(std::aligned_alloc(alignof(EventChunk), room * sizeof(EventChunk)));
    if (chunks == nullptr) throw std::bad_alloc();
    if (room_ != 0) std::memcpy(static_cast<void*>(chunks), chunks_.get(), room_ * sizeof(EventChunk));
    chunks_.reset(chunks);
    room_ = room;
  }
  std::unique_ptr<EventChunk, Free> chunks_;
  std::uint32_t used_ = 1;
  std::uint32_t room_ = 0;
  std::uint32_t free_ = 0;
};

}  // namespace sparsesim
