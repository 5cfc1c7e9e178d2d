#include "sim/core/batch_wheel.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "sim/core/error.h"

namespace sparsesim {
namespace {

constexpr std::size_t batch_room = 512;  // events; what the sorted ones leave is for pushes before them

void prefetch_chunk(const Event* chunk) {
  for (std::size_t line = 0; line < EventChunk::bytes; line += 64)
    __builtin_prefetch(reinterpret_cast<const char*>(chunk) + line);
}

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

}  // namespace

BatchWheel::BatchWheel(const SortVariant& sort)
    : sort_(sort.function), sort_instant_(sort.instant), batch_(batch_room) {
  take_batch(0);
  set_last_half(1);
}

void BatchWheel::reset() {
  if (!empty()) {
    lists_.fill({});
    occupied_.fill(0);
    occupied_words_.fill(0);
    pool_.reset();
    late_.reset();
    late_used_ = false;
    listed_ = 0;
    take_batch(0);
  }
  batch_end_ = 0;
  set_last_half(1);
}

// --- pushing ---

void BatchWheel::push_elsewhere(std::uint64_t time_ps, std::uint32_t kind, std::uint32_t id, std::uint64_t arg) {
  if (time_ps < batch_end_) {
    push_batch({time_ps, kind, id, arg});
  } else {
    push_far({time_ps, kind, id, arg});
  }
}

void BatchWheel::push_batch(const Event& event) {
  const bool far_in = batch_size() > batch_insert_max && !before(event, front_[batch_insert_max]);
  if (late_used_ || far_in || front_ == batch_.data()) return push_late(event);
  Event* place = --front_;
  for (; place + 1 < back_ && !before(event, place[1]); ++place) *place = place[1];
  copy_fields(*place, event);
}

// Once the heap is in use all earlier-than-batch_end_ pushes go there until it is empty: so among equal keys the
// batch's are older.
void BatchWheel::push_late(const Event& event) {
  late_.push(event);
  late_used_ = true;
  if (++late_pushes_ > late_pushes_max_) react_to_late();
}

void BatchWheel::push_far(const Event& event) {
  require(event.time_ps != time_max, "an event at the very end of time");
  const std::uint64_t half = event.time_ps >> (shift_ + slot_bits - 1);
  const int level = (63 - std::countl_zero(half ^ last_half_)) / 8;
  append(static_cast<std::uint32_t>(slots + static_cast<std::uint64_t>(level) * 256 + ((half >> (8 * level)) & 255)),
         event);
}

ListEnd BatchWheel::add_chunk(std::uint32_t list, ListEnd end) {
  const std::uint32_t chunk = pool_.take();
  pool_.older(chunk) = end;
  occupied_[list >> 6] |= std::uint64_t{1} << (list & 63);
  occupied_words_[list >= slots] |= std::uint64_t{1} << ((list >= slots ? list - slots : list) >> 6);
  return ListEnd::start_of(chunk);
}

// --- popping ---

bool BatchWheel::next_is_late() {
  if (!late_used_) return false;
  if (front_ == back_) return true;
  const std::uint64_t late_time = late_.next_time();
  if (late_time != front_->time_ps) return late_time < front_->time_ps;
  return late_.next().id < front_->id;  // equal: the one in the batch is older
}

Event BatchWheel::pop_rare() {
  if (!late_used_) refill();
  return take_front();
}

// The earlier of what is sorted; the batch or the heap must hold something.
Event BatchWheel::take_front() {
  if (!next_is_late()) return *front_++;
  const Event event = late_.pop();
  late_used_ = !late_.empty();
  return event;
}

void BatchWheel::refill() {
  if (++refills_ > refills_until_check_) check_width();
  drain(next_slot());
}

// Finds the next occupied slot, moves the fine window if that is in its second half, and ends the batch with the slot.
std::uint32_t BatchWheel::next_slot() {
  for (;;) {
    const std::uint64_t cursor = batch_end_ >> shift_;
    const std::uint64_t start = cursor & (slots - 1);
    const std::uint64_t word = start >> 6;
    std::uint64_t found = occupied_[word] >> (start & 63);
    if (found != 0) {
      found = start + static_cast<std::uint64_t>(std::countr_zero(found));
    } else {  // the words behind it in ring order; slots before the start are empty
      const std::uint64_t later = std::rotr(occupied_words_[0], static_cast<int>(word + 1));
      if (later == 0) {
        jump_far();
        continue;
      }
      const std::uint64_t next = (word + 1 + static_cast<std::uint64_t>(std::countr_zero(later))) & 63;
      found = next * 64 + static_cast<std::uint64_t>(std::countr_zero(occupied_[next]));
    }
    const std::uint64_t slot = cursor + ((found - start) & (slots - 1));
    const std::uint64_t slot_max = time_max >> shift_;
    batch_end_ = slot == slot_max ? time_max : (slot + 1) << shift_;
    if (slot >> (slot_bits - 1) == last_half_ && fine_end_ < time_max) reach_next_half();
    fine_room_ = fine_end_ - batch_end_;
    return static_cast<std::uint32_t>(found);
  }
}

void BatchWheel::set_last_half(std::uint64_t half) {
  last_half_ = half;
  const int half_shift = shift_ + slot_bits - 1;
  const std::uint64_t half_max = time_max >> half_shift;
  fine_end_ = half >= half_max ? time_max : (half + 1) << half_shift;
  fine_room_ = fine_end_ - batch_end_;
}

void BatchWheel::reach_next_half() {
  const std::uint64_t old_half = last_half_;
  set_last_half(old_half + 1);
  const int level = (63 - std::countl_zero(old_half ^ last_half_)) / 8;
  const auto list =
      static_cast<std::uint32_t>(slots + static_cast<std::uint64_t>(level) * 256 + ((last_half_ >> (8 * level)) & 255));
  if (!lists_[list].empty()) spread_chain(detach(list));
}

// Nothing in the fine slots: the nearest far bucket is the first one of the lowest level, for a level holds only what
// agrees with last_half_ in all higher bytes.
void BatchWheel::jump_far() {
  require(occupied_words_[1] != 0, "the event queue lost an event");
  const int word = std::countr_zero(occupied_words_[1]);
  const std::uint64_t bucket =
      static_cast<std::uint64_t>(word) * 64 +
      static_cast<std::uint64_t>(std::countr_zero(occupied_[slots / 64 + static_cast<std::size_t>(word)]));
  const int level = static_cast<int>(bucket >> 8);
  const std::uint64_t keep = ~std::uint64_t{0} << (8 * (level + 1));
  set_last_half((last_half_ & keep) | (bucket & 255) << (8 * level));
  batch_end_ = last_half_ << (shift_ + slot_bits - 1);
  spread_chain(detach(static_cast<std::uint32_t>(slots + bucket)));
}

// Takes a list out of the tables: its chunks are in chain_ then, newest first.
ListEnd BatchWheel::detach(std::uint32_t list) {
  const ListEnd end = lists_[list];
  lists_[list] = {};
  occupied_[list >> 6] &= ~(std::uint64_t{1} << (list & 63));
  if (occupied_[list >> 6] == 0)
    occupied_words_[list >= slots] &= ~(std::uint64_t{1} << ((list >= slots ? list - slots : list) >> 6));
  return end;
}

std::uint32_t BatchWheel::collect_chain(ListEnd end) {
  chain_.clear();
  const std::uint32_t newest_count = end.count();
  for (; !end.empty(); end = pool_.older(end.chunk())) chain_.push_back(end.chunk());
  return newest_count;
}

// Pushes the events of a list to where they belong now, oldest first.
void BatchWheel::spread_chain(ListEnd end) {
  const std::uint32_t newest_count = collect_chain(end);
  for (std::size_t i = chain_.size(); i-- > 0;) {
    const std::uint32_t chunk = chain_[i];
    if (i > 0) prefetch_chunk(pool_[chain_[i - 1]]);
    const std::uint32_t count = i == 0 ? newest_count : EventChunk::capacity;
    listed_ -= count;
    for (std::uint32_t k = 0; k < count; ++k) {
      const Event event = pool_[chunk][k];  // a copy: appending may move the pool
      if (event.time_ps < fine_end_) {
        append(fine_index(event.time_ps), event);
      } else {
        push_far(event);
      }
    }
    pool_.give_back(chunk);
  }
}

// --- a slot becomes the batch ---

void BatchWheel::drain(std::uint32_t list) {
  const ListEnd end = detach(list);
  if (const std::uint64_t later = occupied_[list >> 6] >> (list & 63); later != 0)  // probably the next to be drained
    prefetch_chunk(pool_[lists_[list + static_cast<std::uint32_t>(std::countr_zero(later))].chunk()]);
  std::size_t count = end.count(), instants = count;
  if (pool_.older(end.chunk()).empty()) [[likely]] {
    instants = drain_chunk(end.chunk(), count);
  } else {
    count = collect_chain(end);
    count += (chain_.size() - 1) * EventChunk::capacity;
    instants = sort_gathered(gather(count), count);
  }
  listed_ -= count;
  drained_ += static_cast<std::int64_t>(count);
  drained_instants_ += static_cast<std::int64_t>(instants);
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
  back_ = batch_.data() + (batch_.size() - EventChunk::capacity);
  front_ = back_ - count;
}

// The gathered events become the batch as they are.
void BatchWheel::take_gathered(Event* events, std::size_t count) {
  std::swap(batch_, gathered_);
  front_ = events;
  back_ = events + count;
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
