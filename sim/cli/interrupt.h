#pragma once
// Long commands: Ctrl-C stops them in good order, a bar on the terminal shows how far they are.

#include <atomic>
#include <csignal>
#include <cstddef>
#include <string>

namespace sparsesim::cli {

inline constexpr int kInterruptedExit = 130;  // what a shell reports for Ctrl-C

/// Ctrl-C sets the flag while this lives; a second Ctrl-C ends the program at once.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  /// Whether Ctrl-C came.
  static const std::atomic<bool>& stop();

 private:
  struct sigaction before_ {};
};

/// A bar on standard error, redrawn when the percentage changes. `items` is plural: "rows".
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
};

}  // namespace sparsesim::cli
