#pragma once
// The device-wide cache as an LRU list over slices of operand panels.

#include <cstdint>
#include <vector>

namespace sparsesim {

/// Least-recently-used cache of numbered groups of slices; a group may be there in part, a contiguous run of its steps.
///
/// A fill records when it arrives, so that a second reader of bytes on their way waits for them and moves none.
class SliceCache {
 public:
  struct Lookup {
    int hit_steps = 0;    // of the steps asked for, those cached or arriving
    double ready_ps = 0;  // when those are there
  };

  /// groups: numbers 0..groups-1 may be used; capacity in bytes.
  SliceCache(std::size_t groups, double capacity_bytes);
  /// Steps [first, last) of a group at now_ps; a hit makes the group the youngest.
  ///
  /// A group is read over pace_ps, not at once: a reader that trails the last one by less needs only that share of what
  /// was filled in between to be kept. So merged steps do not lose the reuse that single steps have.
  Lookup lookup(std::uint32_t group, int first, int last, double now_ps, double pace_ps);
  /// Adds steps [first, last), which arrive at ready_ps, evicting the oldest groups until they fit; what is larger than
  /// the cache is not kept. Steps between the group's run and the new ones count as there.
  void insert(std::uint32_t group, int first, int last, double bytes, double ready_ps, double now_ps);
  double held_bytes() const { return held_bytes_; }

 private:
  struct Entry {
    double bytes = 0, ready_ps = 0;
    double read_ps = 0;       // last reader's start
    double filled_bytes = 0;  // filled in all up to then
    bool kept = false;
    std::int32_t first = 0, last = 0;  // first == last: never filled
    std::uint32_t older = 0, younger = 0;
  };
  void evict(std::uint32_t group);
  void unlink(std::uint32_t group);
  void link_youngest(std::uint32_t group);
  std::uint32_t head() const { return static_cast<std::uint32_t>(entries_.size() - 1); }

  std::vector<Entry> entries_;  // the last one is the ring's head: head -> oldest -> ... -> youngest -> head
  double capacity_bytes_;
  double held_bytes_ = 0;
  double filled_bytes_ = 0;
};

}  // namespace sparsesim
