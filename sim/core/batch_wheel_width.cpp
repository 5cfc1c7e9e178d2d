// How the width of the slots of a batch wheel follows the events.

#include <algorithm>
#include <cmath>

#include "sim/core/batch_wheel.h"

namespace sparsesim {
namespace {

constexpr double drained_target = 15;  // events per drained slot; the measured optimum is flat between 10 and 22
constexpr double drained_min = 11;
constexpr double drained_max = 24;

}  // namespace

void BatchWheel::check_width() {
  const auto refills = static_cast<double>(refills_ - 1);
  const double events = static_cast<double>(drained_) / refills;
  const double instants = static_cast<double>(drained_instants_) / refills;  // what a narrower slot can part
  drained_since_rebuild_ += drained_;
  refills_ = 1;  // the one that is under way
  drained_ = drained_instants_ = 0;
  refills_until_check_ = std::min<std::int64_t>(2 * refills_until_check_, 128);
  if (events >= drained_min && instants <= drained_max) return;
  const double average = events < drained_min ? events : instants;
  const int wanted = shift_ + static_cast<int>(std::lround(std::log2(drained_target / std::max(average, 1.0))));
  const int shift = std::clamp(wanted, 0, 64 - slot_bits);
  // A rebuild touches every event: not before an eighth as many have gone through.
  if (shift == shift_ || drained_since_rebuild_ * 8 < static_cast<std::int64_t>(size())) return;
  rebuild(shift);
}

// Many pushes land before batch_end_: either slots are far too wide, or the batch was taken far ahead of what came
// later.
void BatchWheel::react_to_late() {
  late_pushes_ = 0;
  const std::uint64_t first = next_time();
  const double span = static_cast<double>(batch_end_ - first);
  const double wanted_width = drained_target * span / static_cast<double>(batch_size() + late_.size());
  const int shift = std::clamp(static_cast<int>(std::log2(std::max(wanted_width, 1.0))), 0, 64 - slot_bits);
  const bool helps = batch_end_ - first > (std::uint64_t{1} << shift);
  late_pushes_max_ = helps ? std::max<std::int64_t>(1024, static_cast<std::int64_t>(size() / 4)) : 2 * late_pushes_max_;
  if (helps) rebuild(shift);
}

void BatchWheel::rebuild(int shift) {
  const auto old_lists = lists_;
  lists_.fill({});
  occupied_.fill(0);
  occupied_words_.fill(0);
  std::vector<Event> front;  // what was sorted goes back in order, so that equal keys stay first in first out
  for (;;) {
    if (front_ == back_ && !chain_.empty()) finish_chunk();
    if (front_ == back_ && late_.empty()) break;
    front.push_back(take_front());
  }
  if (!front.empty()) batch_end_ = front.front().time_ps;
  shift_ = shift;
  const std::uint64_t half = batch_end_ >> (shift_ + slot_bits - 1);
  set_last_half(half == time_max >> (shift_ + slot_bits - 1) ? half : half + 1);
  for (const Event& event : front) push(event);
  for (const ListEnd end : old_lists) {
    if (!end.empty()) spread_chain(end);
  }
  drained_since_rebuild_ = 0;
}

}  // namespace sparsesim
