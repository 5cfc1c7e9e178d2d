// How a slot of a batch wheel becomes its batch.

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "sim/core/batch_wheel.h"

namespace sparsesim {
namespace {

// In lines of the cache: a memcpy as a whole becomes a string instruction, which takes longer to start than this to
// end.
void copy_chunk(const Event* from, Event* to) {
  struct Line {
    std::uint64_t words[8];
  };
#pragma GCC unroll 9
  for (std::size_t line = 0; line < EventChunk::bytes / sizeof(Line); ++line)
    std::memcpy(reinterpret_cast<Line*>(to) + line, reinterpret_cast<const Line*>(from) + line, sizeof(Line));
}

bool ids_in_order(const Event* events, std::uint32_t count) {
  bool in_order = true;
  for (std::uint32_t k = 1; k < count; ++k) in_order &= events[k].id >= events[k - 1].id;
  return in_order;
}
// A count known to the compiler spares the mispredicted end of the loop.
template <std::uint32_t count>
bool ids_in_order(const Event* events) {
  bool in_order = true;
#pragma GCC unroll 24
  for (std::uint32_t k = 1; k < count; ++k) in_order &= events[k].id >= events[k - 1].id;
  return in_order;
}

}  // namespace

void BatchWheel::drain(std::uint32_t list) {
  const ListEnd end = detach(list);
  if (const std::uint64_t later = occupied_[list >> 6] >> (list & 63); later != 0)  // probably the next to be drained
    pool_.prefetch(lists_[list + static_cast<std::uint32_t>(std::countr_zero(later))].chunk());
  std::size_t count = end.count(), instants = 0;
  if (pool_.older(end.chunk()).empty()) [[likely]] {
    instants = drain_chunk(end.chunk(), count);
  } else {
    collect_chain(end);
    count += (chain_.size() - 1) * EventChunk::capacity;
    instants = take_in_place() ? 1 : sort_gathered(gather(count), count);
  }
  drained_ += static_cast<std::int64_t>(count);
  drained_instants_ += static_cast<std::int64_t>(instants);
}

// The chain becomes the batch as it is, chunk by chunk, if it is one instant and its ids are in order.
bool BatchWheel::take_in_place() {
  if (shift_ != 0) return false;
  std::uint32_t last_id = 0;
  for (std::size_t i = chain_.size() - 1; i > 0; --i) {
    const Event* events = pool_[chain_[i]];
    pool_.prefetch(chain_[i - 1]);
    if (events[0].id < last_id || !ids_in_order<EventChunk::capacity>(events)) return false;
    last_id = events[EventChunk::capacity - 1].id;
  }
  const Event* events = pool_[chain_[0]];
  if (events[0].id < last_id || !ids_in_order(events, newest_count_)) return false;
  Event* const first = pool_[chain_.back()];
  set_batch(first, first + EventChunk::capacity, first);
  return true;
}

// The first `count` events of a chunk become the batch. Returns how many instants they may be.
std::size_t BatchWheel::drain_chunk(std::uint32_t chunk, std::size_t count) {
  const Event* events = pool_[chunk];
  take_batch(count);
  pool_.give_back(chunk);  // stays readable
  if (shift_ == 0) {
    const InstantOrder order = sort_instant_(events, count, back_ - 1);
    if (order == InstantOrder::found_in_order) copy_chunk(events, front_);
    if (order != InstantOrder::too_far_apart) return 1;
  }
  sort_events(events, count);
  return count;
}

// The batch becomes `count` events that are yet to be written, with a chunk's room behind them.
void BatchWheel::take_batch(std::size_t count) {
  Event* const end = batch_.data() + (batch_.size() - EventChunk::capacity);
  set_batch(end - count, end, batch_.data());
}

void BatchWheel::set_batch(Event* first, Event* end, Event* room) {
  front_ = first;
  back_ = end;
  stop_ = late_.empty() ? end : first;
  room_ = room;
}

// The gathered events become the batch as they are.
void BatchWheel::take_gathered(Event* events, std::size_t count) {
  std::swap(batch_, gathered_);
  set_batch(events, events + count, batch_.data());
}

// At most sort_block_max events; the batch is theirs already.
void BatchWheel::sort_events(const Event* events, std::size_t count) {
  sort_(events, count, SortKey(shift_), back_ - 1);
}

// Copies the `count` events of chain_ to gathered_, oldest first, and returns where they begin.
Event* BatchWheel::gather(std::size_t count) {
  if (gathered_.size() < count + batch_room / 2) gathered_.resize(count + batch_room);
  Event* const first = gathered_.data() + (gathered_.size() - EventChunk::capacity * (chain_.size() + 1));
  Event* to = first;
  for (std::size_t i = chain_.size(); i-- > 0; to += EventChunk::capacity) {
    copy_chunk(pool_[chain_[i]], to);
    pool_.give_back(chain_[i]);
  }
  chain_.clear();
  return first;
}

// The `count` gathered events become the batch; returns how many different times they have. Such slots appear when
// many events share an instant, often in order then, or before the width has adapted.
std::size_t BatchWheel::sort_gathered(Event* events, std::size_t count) {
  const bool small = count <= sort_block_max;
  take_batch(count);
  const auto at_first = [time = events->time_ps](const Event& event) { return event.time_ps == time; };
  if (small && (shift_ == 0 || std::all_of(events, events + count, at_first))) {
    const InstantOrder order = sort_instant_(events, count, back_ - 1);
    if (order == InstantOrder::found_in_order) take_gathered(events, count);
    if (order != InstantOrder::too_far_apart) return 1;
  }
  const bool in_order = std::is_sorted(events, events + count, before);
  if (small && !in_order) {
    sort_events(events, count);
  } else {
    if (!in_order) std::stable_sort(events, events + count, before);
    take_gathered(events, count);
  }
  std::size_t instants = 1;
  for (const Event* event = front_ + 1; event < back_; ++event) instants += event[0].time_ps != event[-1].time_ps;
  return instants;
}

}  // namespace sparsesim
