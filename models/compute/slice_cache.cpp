#include "models/compute/slice_cache.h"

#include <algorithm>

namespace sparsesim {

SliceCache::SliceCache(std::size_t groups, double capacity_bytes)
    : entries_(groups + 1), capacity_bytes_(capacity_bytes) {
  entries_[head()].older = entries_[head()].younger = head();
}

SliceCache::Lookup SliceCache::lookup(std::uint32_t group, int first, int last, double now_ps, double pace_ps) {
  Entry& entry = entries_[group];
  const int hit = std::min(last, entry.last) - std::max(first, entry.first);
  if (hit <= 0) return {};
  if (!entry.kept) {
    const double lag = now_ps - entry.read_ps;
    if (lag >= pace_ps || (filled_bytes_ - entry.filled_bytes) * lag > capacity_bytes_ * pace_ps) return {};
  } else {
    unlink(group);
    link_youngest(group);
  }
  entry.read_ps = now_ps;
  entry.filled_bytes = filled_bytes_;
  return {hit, entry.ready_ps};
}

void SliceCache::insert(std::uint32_t group, int first, int last, double bytes, double ready_ps, double now_ps) {
  Entry& entry = entries_[group];
  filled_bytes_ += bytes;
  if (entry.kept) {  // takes it off the list, so that it cannot evict itself
    first = std::min(first, entry.first);
    last = std::max(last, entry.last);
    bytes += entry.bytes;
    evict(group);
  }
  entry = {bytes, ready_ps, now_ps, filled_bytes_, false, first, last, 0, 0};
  if (bytes > capacity_bytes_) return;
  while (held_bytes_ + bytes > capacity_bytes_ && entries_[head()].younger != head()) evict(entries_[head()].younger);
  entry.kept = true;
  held_bytes_ += bytes;
  link_youngest(group);
}

void SliceCache::evict(std::uint32_t group) {
  held_bytes_ -= entries_[group].bytes;
  entries_[group].kept = false;
  unlink(group);
}

void SliceCache::unlink(std::uint32_t group) {
  const Entry& entry = entries_[group];
  entries_[entry.older].younger = entry.younger;
  entries_[entry.younger].older = entry.older;
}

void SliceCache::link_youngest(std::uint32_t group) {
  const std::uint32_t youngest = entries_[head()].older;
  entries_[group].older = youngest;
  entries_[group].younger = head();
  entries_[youngest].younger = group;
  entries_[head()].older = group;
}

}  // namespace sparsesim
