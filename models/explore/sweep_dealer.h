#pragma once
// Who simulates which position of a sweep: the book that the first rank keeps.

#include <cstdint>
#include <vector>

namespace sparsesim {

/// Positions begin, begin + 1, ... end - 1.
struct Run {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
  bool operator==(const Run&) const = default;
};

using Runs = std::vector<Run>;

std::int64_t size(const Runs& runs);

class Dealer {
 public:
  /// `there`: positions that nobody has to visit. `threads`: of all ranks.
  Dealer(std::vector<bool> there, std::int64_t threads);

  /// Positions that nobody had so far, at most `wanted`, and at most the share of a thread in half of what is left (but
  /// one): the last positions are dealt one by one, so that nobody waits long for another (factoring: Hummel, Schonberg
  /// and Flynn, "Factoring: a method for scheduling parallel loops", CACM 35(8), 1992). Empty where all are dealt.
  Runs deal(std::int64_t wanted);
  /// What a rank got and does not want after all.
  void take_back(const Runs& runs);
  void count_visited(std::int64_t positions) { visited_ += positions; }

  std::int64_t size() const { return static_cast<std::int64_t>(there_.size()); }
  /// Those that nobody had to visit included.
  std::int64_t visited() const { return visited_; }
  bool finished() const { return visited_ == size(); }

 private:
  std::int64_t next();

  std::vector<bool> there_;
  std::int64_t threads_;
  std::int64_t left_ = 0;  // to deal
  std::int64_t next_ = 0;  // never dealt, from here on
  Runs back_;              // dealt and taken back
  std::int64_t visited_ = 0;
};

}  // namespace sparsesim
