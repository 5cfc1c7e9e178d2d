#pragma once
// The pending set in its most obvious form: what every faster queue must agree with, event by event.

#include <cstdint>
#include <queue>
#include <vector>

#include "sim/core/event.h"

namespace sparsesim {

/// Pops in order of (time_ps, id), then first in first out. O(log n) per operation; any push time is allowed.
class ReferenceQueue {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  void push(const Event& event) { heap_.push({event, pushed_++}); }
  /// The next event, left in place; the queue must not be empty.
  const Event& next() const { return heap_.top().event; }
  std::uint64_t next_time() const { return next().time_ps; }
  Event pop() {
    const Event event = heap_.top().event;
    heap_.pop();
    return event;
  }
  void reset() { *this = {}; }

 private:
  struct Entry {
    Event event;
    std::uint64_t sequence;
    bool operator<(const Entry& other) const {  // the largest is on top, so "later" is smaller
      if (event.time_ps != other.event.time_ps) return event.time_ps > other.event.time_ps;
      if (event.id != other.event.id) return event.id > other.event.id;
      return sequence > other.sequence;
    }
  };
  std::priority_queue<Entry> heap_;
  std::uint64_t pushed_ = 0;
};

}  // namespace sparsesim
