#include "sim/core/batch_wheel.h"

#include <bit>

#include "sim/core/error.h"

namespace sparsesim {

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
    chain_.clear();
    take_batch(0);
  } else if (!chain_.empty()) {
    finish_chunk();
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
  const bool behind = chain_.size() > 1 && (front_ == back_ || !before(event, back_[-1]));  // or in a later chunk
  if (far_in || behind || front_ == room_ || !late_.empty()) return push_late(event);
  Event* place = --front_;
  for (; place + 1 < back_ && !before(event, place[1]); ++place) *place = place[1];
  copy_fields(*place, event);
}

// Once the heap is in use all earlier-than-batch_end_ pushes go there until it is empty: so among equal keys the
// batch's are older.
void BatchWheel::push_late(const Event& event) {
  late_.push(event);
  stop_ = front_;
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
  const std::uint32_t chunk = take_chunk();
  pool_.older(chunk) = end;
  occupied_[list >> 6] |= std::uint64_t{1} << (list & 63);
  occupied_words_[list >= slots] |= std::uint64_t{1} << ((list >= slots ? list - slots : list) >> 6);
  return ListEnd::start_of(chunk);
}

// The pool may move, and a batch that lies in it with it.
std::uint32_t BatchWheel::take_chunk() {
  if (room_ == batch_.data() || !pool_.full()) return pool_.take();
  const auto popped = front_ - room_, end = back_ - room_;
  const std::uint32_t chunk = pool_.take();
  Event* const room = pool_[chain_.back()];
  set_batch(room + popped, room + end, room);
  return chunk;
}

// --- popping ---

std::size_t BatchWheel::size() const {
  std::size_t size = batch_size() + late_.size();
  for (std::size_t i = 0; i + 1 < chain_.size(); ++i) size += chain_count(i);
  size += (pool_.used() - chain_.size()) * EventChunk::capacity;
  for (const ListEnd end : lists_) size -= end.empty() ? 0 : EventChunk::capacity - end.count();
  return size;
}

bool BatchWheel::next_is_late() {
  if (late_.empty()) return false;
  if (front_ == back_) return true;
  const std::uint64_t late_time = late_.next_time();
  if (late_time != front_->time_ps) return late_time < front_->time_ps;
  return late_.next().id < front_->id;  // equal: the one in the batch is older
}

std::uint64_t BatchWheel::next_time_rare() {
  sort_more();
  return next_is_late() ? late_.next_time() : front_->time_ps;
}

Event BatchWheel::pop_rare() {
  sort_more();
  return take_front();
}

// The earlier of what is sorted; the batch or the heap must hold something.
Event BatchWheel::take_front() {
  const bool late = next_is_late();
  const Event event = late ? late_.pop() : *front_++;
  stop_ = late_.empty() ? back_ : front_;
  return event;
}

// Unless the batch or the heap holds something, the next of the lists becomes the batch.
void BatchWheel::sort_more() {
  if (front_ == back_ && !chain_.empty()) finish_chunk();
  if (front_ == back_ && late_.empty()) refill();
}

// All of a chunk that was the batch is popped: the next one is.
void BatchWheel::finish_chunk() {
  pool_.give_back(chain_.back());
  chain_.pop_back();
  if (chain_.empty()) return take_batch(0);
  Event* const events = pool_[chain_.back()];
  if (chain_.size() > 1) pool_.prefetch(chain_[chain_.size() - 2]);
  set_batch(events, events + chain_count(chain_.size() - 1), events);
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

void BatchWheel::collect_chain(ListEnd end) {
  chain_.clear();
  newest_count_ = end.count();
  for (; !end.empty(); end = pool_.older(end.chunk())) chain_.push_back(end.chunk());
}

// Pushes the events of a list to where they belong now, oldest first.
void BatchWheel::spread_chain(ListEnd end) {
  collect_chain(end);
  for (std::size_t i = chain_.size(); i-- > 0;) {
    const std::uint32_t chunk = chain_[i];
    if (i > 0) pool_.prefetch(chain_[i - 1]);
    const std::uint32_t count = chain_count(i);
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
  chain_.clear();
}

}  // namespace sparsesim
