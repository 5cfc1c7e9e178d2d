#include "sim/core/batch_wheel.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/core/error.h"

namespace sparsesim {
namespace {

constexpr double drained_target = 16;  // events per drained slot; measured optimum is flat between 12 and 24
constexpr double drained_min = 8;
constexpr double drained_max = 36;
constexpr std::size_t batch_room = 512;
constexpr int id_and_place_bits = 40;  // of a sort key: 32 of id, 8 of place

void prefetch_chunk(const EventChunk& chunk) {
  for (std::size_t line = 0; line < sizeof(EventChunk); line += 64)
    __builtin_prefetch(reinterpret_cast<const char*>(&chunk) + line);
}

}  // namespace

BatchWheel::BatchWheel(RankFunction rank) : batch_(batch_room), rank_(rank) {
  lists_.fill(no_events);
  set_last_half(1);
}

void BatchWheel::reset() {
  if (size_ != 0) {
    lists_.fill(no_events);
    occupied_.fill(0);
    occupied_words_.fill(0);
    pool_.reset();
    late_.reset();
    late_used_ = false;
    size_ = batch_count_ = 0;
  }
  batch_end_ = 0;
  set_last_half(1);
}

// --- pushing ---

void BatchWheel::push_batch(std::uint64_t time_ps, std::uint32_t kind, std::uint32_t id, std::uint64_t arg) {
  const Event event{time_ps, kind, id, arg};
  std::size_t place = batch_count_;
  const bool far_in = place > batch_insert_max && !before(event, batch_[place - batch_insert_max]);
  if (late_used_ || far_in || place == batch_.size()) return push_late(event);
  for (; place > 0 && !before(event, batch_[place - 1]); --place) batch_[place] = batch_[place - 1];
  copy_fields(batch_[place], event);
  ++batch_count_;
}

// Once the heap is in use all earlier-than-batch_end_ pushes go there until it is empty: so among equal keys the
// batch's are older.
void BatchWheel::push_late(const Event& event) {
  late_.push(event);
  late_used_ = true;
  if (++late_pushes_ > late_pushes_max_) react_to_late();
}

void BatchWheel::push_far(std::uint64_t time_ps, std::uint32_t kind, std::uint32_t id, std::uint64_t arg) {
  require(time_ps != time_max, "an event at the very end of time");
  const std::uint64_t half = time_ps >> (shift_ + slot_bits - 1);
  const int level = (63 - std::countl_zero(half ^ last_half_)) / 8;
  append(static_cast<std::uint32_t>(slots + static_cast<std::uint64_t>(level) * 256 + ((half >> (8 * level)) & 255)),
         {time_ps, kind, id, arg});
}

std::uint32_t BatchWheel::add_chunk(std::uint32_t list, std::uint32_t word) {
  const std::uint32_t chunk = pool_.take();
  pool_[chunk].next = word >> 5;
  occupied_[list >> 6] |= std::uint64_t{1} << (list & 63);
  occupied_words_[list >> slot_bits] |= std::uint64_t{1} << ((list >> 6) & 63);
  return chunk << 5;
}

// --- popping ---

bool BatchWheel::next_is_late() {
  if (!late_used_) return false;
  if (batch_count_ == 0) return true;
  const std::uint64_t late_time = late_.next_time();
  const Event& front = batch_[batch_count_ - 1];
  if (late_time != front.time_ps) return late_time < front.time_ps;
  return late_.next().id < front.id;  // equal: the one in the batch is older
}

Event BatchWheel::pop_rare() {
  if (!late_used_) refill();
  return take_front();
}

// The earlier of what is sorted; the batch or the heap must hold something.
Event BatchWheel::take_front() {
  if (!next_is_late()) return batch_[--batch_count_];
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
    if (slot >> (slot_bits - 1) == last_half_ && fine_last_ < time_max - 1) reach_next_half();
    return static_cast<std::uint32_t>(found);
  }
}

void BatchWheel::set_last_half(std::uint64_t half) {
  last_half_ = half;
  const int half_shift = shift_ + slot_bits - 1;
  const std::uint64_t half_max = time_max >> half_shift;
  fine_last_ = half >= half_max ? time_max - 1 : ((half + 1) << half_shift) - 1;
}

void BatchWheel::reach_next_half() {
  const std::uint64_t old_half = last_half_;
  set_last_half(old_half + 1);
  const int level = (63 - std::countl_zero(old_half ^ last_half_)) / 8;
  const auto list =
      static_cast<std::uint32_t>(slots + static_cast<std::uint64_t>(level) * 256 + ((last_half_ >> (8 * level)) & 255));
  if (lists_[list] != no_events) spread(list);
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
  spread(static_cast<std::uint32_t>(slots + bucket));
}

// Empties a list in the tables and returns its word.
std::uint32_t BatchWheel::detach(std::uint32_t list) {
  const std::uint32_t word = lists_[list];
  lists_[list] = no_events;
  occupied_[list >> 6] &= ~(std::uint64_t{1} << (list & 63));
  if (occupied_[list >> 6] == 0) occupied_words_[list >> slot_bits] &= ~(std::uint64_t{1} << ((list >> 6) & 63));
  chain_.clear();
  for (std::uint32_t chunk = word >> 5; chunk != 0; chunk = pool_[chunk].next) chain_.push_back(chunk);
  return word;
}

void BatchWheel::spread(std::uint32_t list) { spread_chunks(detach(list)); }

// Pushes the events of chain_ to where they belong now, oldest first.
void BatchWheel::spread_chunks(std::uint32_t word) {
  for (std::size_t i = chain_.size(); i-- > 0;) {
    const std::uint32_t chunk = chain_[i];
    if (i > 0) prefetch_chunk(pool_[chain_[i - 1]]);
    const std::uint32_t count = i == 0 ? word & 31 : EventChunk::capacity;
    for (std::uint32_t k = 0; k < count; ++k) {
      const Event event = pool_[chunk].events[k];  // a copy: appending may move the pool
      if (event.time_ps <= fine_last_) {
        append(fine_index(event.time_ps), event);
      } else {
        push_far(event.time_ps, event.kind, event.id, event.arg);
      }
    }
    pool_.give_back(chunk);
  }
}

// --- a slot becomes the batch ---

void BatchWheel::drain(std::uint32_t list) {
  const std::uint32_t word = detach(list);
  const std::size_t count = (chain_.size() - 1) * EventChunk::capacity + (word & 31);
  drained_ += static_cast<std::int64_t>(count);
  if (batch_.size() < count + batch_room / 2) batch_.resize(count + batch_room);
  if (count <= rank_sort_max) {
    sort_into_batch(word & 31, count);
  } else {
    sort_many(word & 31, count);
  }
  for (const std::uint32_t chunk : chain_) pool_.give_back(chunk);
  batch_count_ = count;
}

void BatchWheel::sort_into_batch(std::uint32_t newest_count, std::size_t count) {
  std::int64_t keys[rank_sort_room];
  std::uint64_t places[rank_sort_room];
  const std::uint64_t slot_mask = (std::uint64_t{1} << shift_) - 1;
  const bool id_fits = shift_ <= 63 - id_and_place_bits;
  const int time_bits_at = id_fits ? id_and_place_bits : 8;
  std::size_t n = 0;
  std::int64_t descents = 0, last = 0;
  for (std::size_t i = chain_.size(); i-- > 0;) {
    const EventChunk& chunk = pool_[chain_[i]];
    const std::uint32_t in_chunk = i == 0 ? newest_count : EventChunk::capacity;
    for (std::uint32_t k = 0; k < in_chunk; ++k, ++n) {
      const Event& event = chunk.events[k];
      const std::uint64_t id = id_fits ? std::uint64_t{event.id} << 8 : 0;
      const auto key = static_cast<std::int64_t>((event.time_ps & slot_mask) << time_bits_at | id | n);
      descents += key < last;
      last = keys[n] = key;
    }
  }
  if (descents == 0 && id_fits) return reverse_into_batch(newest_count, count);  // often so where ticks make many ties
  rank_(keys, places, count);
  n = 0;
  for (std::size_t i = chain_.size(); i-- > 0;) {
    const EventChunk& chunk = pool_[chain_[i]];
    const std::uint32_t in_chunk = i == 0 ? newest_count : EventChunk::capacity;
    for (std::uint32_t k = 0; k < in_chunk; ++k, ++n) batch_[places[n]] = chunk.events[k];
  }
  if (!id_fits) {  // such wide slots rarely hold ties: insertion sort mends them, later events moving to the front
    for (std::size_t i = 1; i < count; ++i) {
      const Event event = batch_[i];
      std::size_t place = i;
      for (; place > 0 && before(batch_[place - 1], event); --place) batch_[place] = batch_[place - 1];
      batch_[place] = event;
    }
  }
}

// Oldest last, as equal keys pop from the end.
void BatchWheel::reverse_into_batch(std::uint32_t newest_count, std::size_t count) {
  for (std::size_t i = chain_.size(), n = count; i-- > 0;) {
    const EventChunk& chunk = pool_[chain_[i]];
    const std::uint32_t in_chunk = i == 0 ? newest_count : EventChunk::capacity;
    for (std::uint32_t k = 0; k < in_chunk; ++k) batch_[--n] = chunk.events[k];
  }
}

// Long slots appear when many events share an instant or before the width has adapted.
void BatchWheel::sort_many(std::uint32_t newest_count, std::size_t count) {
  reverse_into_batch(newest_count, count);
  const auto later = [](const Event& a, const Event& b) { return before(b, a); };
  const auto end = batch_.begin() + static_cast<std::ptrdiff_t>(count);
  if (!std::is_sorted(batch_.begin(), end, later)) std::stable_sort(batch_.begin(), end, later);
}

// --- the width adapts ---

void BatchWheel::check_width() {
  const double average = static_cast<double>(drained_) / static_cast<double>(refills_ - 1);
  drained_since_rebuild_ += drained_;
  refills_ = 1;  // the one that is under way
  drained_ = 0;
  refills_until_check_ = std::min<std::int64_t>(2 * refills_until_check_, 128);
  if (average >= drained_min && average <= drained_max) return;
  const int wanted = shift_ + static_cast<int>(std::lround(std::log2(drained_target / std::max(average, 1.0))));
  const int shift = std::clamp(wanted, 0, 64 - slot_bits);
  // A rebuild touches every event: not before an eighth as many have gone through.
  if (shift == shift_ || drained_since_rebuild_ * 8 < static_cast<std::int64_t>(size_)) return;
  rebuild(shift);
}

// Many pushes land before batch_end_: either slots are far too wide, or the batch was taken far ahead of what came
// later.
void BatchWheel::react_to_late() {
  late_pushes_ = 0;
  const std::uint64_t first = next_time();
  const double span = static_cast<double>(batch_end_ - first);
  const double wanted_width = drained_target * span / static_cast<double>(batch_count_ + late_.size());
  const int shift = std::clamp(static_cast<int>(std::log2(std::max(wanted_width, 1.0))), 0, 64 - slot_bits);
  const bool helps = batch_end_ - first > (std::uint64_t{1} << shift);
  late_pushes_max_ = helps ? std::max<std::int64_t>(1024, static_cast<std::int64_t>(size_ / 4)) : 2 * late_pushes_max_;
  if (helps) rebuild(shift);
}

void BatchWheel::rebuild(int shift) {
  const auto old_lists = lists_;
  lists_.fill(no_events);
  occupied_.fill(0);
  occupied_words_.fill(0);
  std::vector<Event> front;  // what was sorted goes back in order, so that equal keys stay first in first out
  while (batch_count_ > 0 || late_used_) front.push_back(take_front());
  if (!front.empty()) batch_end_ = front.front().time_ps;
  shift_ = shift;
  const std::uint64_t half = batch_end_ >> (shift_ + slot_bits - 1);
  set_last_half(half == time_max >> (shift_ + slot_bits - 1) ? half : half + 1);
  for (const Event& event : front) {
    --size_;
    push(event);
  }
  for (const std::uint32_t word : old_lists) {
    if (word == no_events) continue;
    chain_.clear();
    for (std::uint32_t chunk = word >> 5; chunk != 0; chunk = pool_[chunk].next) chain_.push_back(chunk);
    spread_chunks(word);
  }
  drained_since_rebuild_ = 0;
}

}  // namespace sparsesim
