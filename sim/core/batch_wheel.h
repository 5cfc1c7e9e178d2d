#pragma once
// The pending set that is used: an adaptive wheel of unsorted slots in front of a small sorted batch.

#include <array>
#include <cstdint>
#include <vector>

#include "sim/core/chunk_pool.h"
#include "sim/core/event.h"
#include "sim/core/reference_queue.h"
#include "sim/core/slot_sort.h"

namespace sparsesim {

/// Pops in the order of ReferenceQueue, at a cost that hardly depends on how many events are pending.
///
/// Time is cut into slots of 2^shift ps. Four places hold an event, by its distance:
///   batch  events before batch_end_, sorted, popped from the front; late_ (a heap) helps when it grows long
///   fine   the slots of two half-windows, unsorted lists; the next occupied slot becomes the batch when that is empty
///   far    radix-256 buckets of half-windows by the highest byte that differs from the last fine half; each bucket is
///          spread over nearer places when the fine window reaches it
/// The width adapts so that a drained slot holds about 15 events. docs/models/engine.md explains the choices.
/// Push times may lie anywhere before 2^64 - 1 ps, also before the last popped one. Errors: SimulationError at 2^64
/// - 1.
class BatchWheel {
 public:
  explicit BatchWheel(const SortVariant& sort = best_sort());

  bool empty() const { return front_ == stop_ && nothing_pending(); }
  /// Looks at every list: some microseconds.
  std::size_t size() const;
  void push(const Event& event) {
    const auto [time_ps, kind, id, arg] = event;
    if (time_ps - batch_end_ < fine_room_) [[likely]] {  // wraps for what is before batch_end_
      append(fine_index(time_ps), {time_ps, kind, id, arg});
    } else {
      push_elsewhere(time_ps, kind, id, arg);
    }
  }
  /// Time of the next event; the queue must not be empty.
  std::uint64_t next_time() {
    if (front_ == stop_) [[unlikely]] {
      return next_time_rare();
    }
    return front_->time_ps;
  }
  /// The next event; the queue must not be empty.
  Event pop() {
    if (front_ == stop_) [[unlikely]] {
      return pop_rare();
    }
    Event event;
    copy_fields(event, *front_++);
    return event;
  }
  /// Forgets all events; keeps the memory and the width, which does not influence the order.
  void reset();

 private:
  static constexpr int slot_bits = 11;
  static constexpr std::uint64_t slots = std::uint64_t{1} << slot_bits;
  static constexpr int levels = 7;  // of 8 bits: 64 - (slot_bits - 1) bits of half-window numbers
  static constexpr std::uint32_t lists = slots + levels * 256;
  static constexpr std::uint64_t time_max = ~std::uint64_t{0};
  static constexpr std::size_t batch_room = 512;       // what the sorted ones leave is for pushes before them
  static constexpr std::size_t batch_insert_max = 64;  // entries shifted at most; farther goes to the heap

  static bool before(const Event& a, const Event& b) {
    return a.time_ps != b.time_ps ? a.time_ps < b.time_ps : a.id < b.id;
  }
  bool nothing_pending() const {
    return front_ == back_ && chain_.size() <= 1 && (occupied_words_[0] | occupied_words_[1]) == 0 && late_.empty();
  }
  std::size_t batch_size() const { return static_cast<std::size_t>(back_ - front_); }
  std::uint32_t fine_index(std::uint64_t time_ps) const {
    return static_cast<std::uint32_t>((time_ps >> shift_) & (slots - 1));
  }
  /// Field by field: a copy as a whole would read 16 bytes that were just written as 8 + 4 + 4, which stalls the
  /// processor.
  static void copy_fields(Event& to, const Event& from) {
    to.time_ps = from.time_ps;
    to.kind = from.kind;
    to.id = from.id;
    to.arg = from.arg;
  }
  void append(std::uint32_t list, const Event& event) {
    ListEnd end = lists_[list];
    if (end.full()) [[unlikely]] {
      end = add_chunk(list, end);
    }
    copy_fields(pool_.event_at(end), event);
    lists_[list] = end.next();
  }
  // Fields, not events, go into what is not inlined: a reference would force them into memory on the hot path too.
  void push_elsewhere(std::uint64_t time_ps, std::uint32_t kind, std::uint32_t id, std::uint64_t arg);
  void push_batch(const Event& event);
  void push_late(const Event& event);
  void push_far(const Event& event);
  std::uint64_t next_time_rare();
  Event pop_rare();
  Event take_front();
  bool next_is_late();
  void set_batch(Event* first, Event* end, Event* room);
  ListEnd add_chunk(std::uint32_t list, ListEnd end);
  ListEnd detach(std::uint32_t list);
  void collect_chain(ListEnd end);
  std::uint32_t chain_count(std::size_t place) const { return place == 0 ? newest_count_ : EventChunk::capacity; }

  void sort_more();
  void refill();
  std::uint32_t next_slot();
  void drain(std::uint32_t list);
  std::size_t drain_chunk(std::uint32_t chunk, std::size_t count);
  bool take_in_place();
  std::uint32_t take_chunk();
  void finish_chunk();
  Event* gather(std::size_t count);
  std::size_t sort_gathered(Event* events, std::size_t count);
  void sort_events(const Event* events, std::size_t count);
  void take_gathered(Event* events, std::size_t count);
  void take_batch(std::size_t count);
  void set_last_half(std::uint64_t half);
  void reach_next_half();
  void jump_far();
  void spread_chain(ListEnd end);
  void check_width();
  void react_to_late();
  void rebuild(int shift);

  // Hot
  std::uint64_t batch_end_ = 0;  // everything earlier belongs to the batch
  std::uint64_t fine_room_ = 0;  // from there to the end of the fine window
  Event* front_ = nullptr;       // the batch is what lies from here to
  Event* stop_ = nullptr;        // here; pops are quick up to the stop: back_, or front_ while late_ holds something
  Event* back_ = nullptr;
  int shift_ = 10;  // 1.024 ns until the width adapts
  ChunkPool pool_;
  std::array<ListEnd, lists> lists_{};
  std::array<std::uint64_t, lists / 64> occupied_{};  // one bit per list
  std::array<std::uint64_t, 2> occupied_words_{};     // one bit per word of occupied_: fine, far

  // Cold
  std::uint64_t fine_end_ = 0;   // end of the fine window, at most time_max
  std::uint64_t last_half_ = 1;  // number of the last half-window in the fine slots
  ReferenceQueue late_;
  SortFunction sort_;
  InstantFunction sort_instant_;
  std::vector<Event> batch_;     // filled up to a chunk before its end
  std::vector<Event> gathered_;  // the events of chain_, in the same way; takes the place of batch_ if in order
  // Chunks of the list in hand, newest first. Those of an instant in order are the batch as they are, one by one: the
  // last of them lies between room_ and back_.
  std::vector<std::uint32_t> chain_;
  std::uint32_t newest_count_ = 0;     // events in the first of chain_
  Event* room_ = nullptr;              // where the memory of the batch begins
  std::int64_t refills_ = 0;           // since the last look at the width
  std::int64_t drained_ = 0;           // events in them
  std::int64_t drained_instants_ = 0;  // different times among those, at most as many
  std::int64_t drained_since_rebuild_ = 0;
  std::int64_t refills_until_check_ = 4;
  std::int64_t late_pushes_ = 0;
  std::int64_t late_pushes_max_ = 1024;
};

}  // namespace sparsesim
