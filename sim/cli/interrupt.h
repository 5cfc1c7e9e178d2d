#pragma once
// Long commands: Ctrl-C stops them in good order, a bar on the terminal shows how far they are.

#include <atomic>
#include <csignal>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "sim/stats/pace.h"

namespace sparsesim::cli {

inline constexpr int kInterruptedExit = 130;  // what a shell reports for Ctrl-C

/// Ctrl-C, or any of some signals, sets the flag while this lives; the same signal again ends the program at once.
class InterruptGuard {
 public:
  explicit InterruptGuard(std::initializer_list<int> signals = {SIGINT});
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  /// Whether one came.
  static const std::atomic<bool>& stop();

 private:
  std::vector<std::pair<int, struct sigaction>> before_;
};

/// A bar on standard error with rate and time left, redrawn each second and when the percentage changes; where it is no
/// terminal, a line for each tenth of the whole. `items` is plural: "rows".
class ProgressBar {
 public:
  explicit ProgressBar(std::string items) : items_(std::move(items)) {}
  void draw(std::size_t done, std::size_t total);
  void clear() const;
  /// Whether anybody would see a bar.
  static bool visible();

 private:
  static constexpr std::size_t kWidth = 40;
  std::string items_;
  std::size_t percent_ = 101;  // nothing drawn yet
  double drawn_ = 0;           // s, when
  Pace pace_;
};

}  // namespace sparsesim::cli
