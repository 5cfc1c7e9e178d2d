#include "sim/cli/interrupt.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace sparsesim::cli {
namespace {

std::atomic<bool> g_stop{false};  // set by the signal handler, which can reach nothing else
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

InterruptGuard::InterruptGuard() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_stop = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, &before_);
}

InterruptGuard::~InterruptGuard() { sigaction(SIGINT, &before_, nullptr); }

const std::atomic<bool>& InterruptGuard::stop() { return g_stop; }

void ProgressBar::draw(std::size_t done, std::size_t total) {
  const std::size_t percent = done * 100 / total;
  if (percent == percent_) return;
  percent_ = percent;
  const std::size_t filled = percent * kWidth / 100;
  fmt::print(stderr, "\r[{}{}] {:3} %  {} of {} {}", std::string(filled, '#'), std::string(kWidth - filled, '.'),
             percent, done, total, items_);
  std::fflush(stderr);
}

void ProgressBar::clear() const {
  if (percent_ <= 100) fmt::print(stderr, "\r\033[K");
}

bool ProgressBar::visible() { return ::isatty(STDERR_FILENO) != 0; }

}  // namespace sparsesim::cli
