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

 private:
  int size_;
};

double seconds_now();

}  // namespace sparsesim::measure
