#include "models/compute/slice_cache.h"

#include <algorithm>

namespace sparsesim {

SliceCache::SliceCache(std::size_t groups, double capacity_bytes)
    : entries_(groups + 1), capacity_bytes_(capacity_bytes) {
  entries_[head()].older = entries_[head()].younger = head();
}

SliceCache::Lookup SliceCache::lookup(std::uint32_t group, int first, int last) {
  const Entry& entry = entries_[group];
  const int hit = std::min(last, entry.last) - std::max(first, entry.first);
  if (hit <= 0) return {};
  unlink(group);
  link_youngest(group);
  return {hit, entry.ready_ps};
}

void SliceCache::insert(std::uint32_t group, int first, int last, double bytes, double ready_ps) {
  Entry& entry = entries_[group];
  if (entry.first != entry.last) {  // takes it off the list, so that it cannot evict itself
    unlink(group);
    first = std::min(first, entry.first);
    last = std::max(last, entry.last);
    bytes += entry.bytes;
    held_bytes_ -= entry.bytes;
    entry = {};
  }
  if (bytes > capacity_bytes_) return;
  while (held_bytes_ + bytes > capacity_bytes_ && entries_[head()].younger != head()) evict(entries_[head()].younger);
  entry = {bytes, ready_ps, first, last, 0, 0};
  held_bytes_ += bytes;
  link_youngest(group);
}

void SliceCache::evict(std::uint32_t group) {
  held_bytes_ -= entries_[group].bytes;
  unlink(group);
  entries_[group] = {};
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
