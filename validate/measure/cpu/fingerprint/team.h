#pragma once
// All cores at once: the pinned OpenMP threads that kernels use, too.

#include <functional>

namespace sparsesim::measure {

/// The threads of the processor's context. Without OpenMP there is one, the caller.
class Team {
 public:
  explicit Team(int size) : size_(size) {}
  int size() const { return size_; }
  /// Every thread runs work(thread) at once. Returns the seconds from the common start to the last end.
  double run(const std::function<void(int)>& work) const;
  /// Every thread runs work(thread) at once. Returns the longest processor time of a thread: on a machine with other
  /// work to do, time that a thread waited for its core does not count.
  double busy(const std::function<void(int)>& work) const;

 private:
  int size_;
};

double seconds_now();
/// Processor time of the calling thread, s.
double busy_seconds();

/// Processor time of work() in the calling thread, s.
template <class Work>
double busy_time(Work work) {
  const double start = busy_seconds();
  work();
  return busy_seconds() - start;
}

/// Keeps a result alive at no cost.
template <class Value>
void keep(Value value) {
  asm volatile("" ::"g"(value) : "memory");
}

}  // namespace sparsesim::measure
