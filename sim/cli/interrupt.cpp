#include "sim/cli/interrupt.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace sparsesim::cli {
namespace {

std::atomic<bool> g_stop{false};  // set by the signal handler, which can reach nothing else
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

InterruptGuard::InterruptGuard(std::initializer_list<int> signals) {
  struct sigaction action {};
  action.sa_handler = [](int) { g_stop = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : signals) sigaction(signal, &action, &before_.emplace_back(signal, action).second);
}

InterruptGuard::~InterruptGuard() {
  for (const auto& [signal, before] : before_) sigaction(signal, &before, nullptr);
}

const std::atomic<bool>& InterruptGuard::stop() { return g_stop; }

void ProgressBar::draw(std::size_t done, std::size_t total) {
  const bool bar = visible();
  const std::size_t percent = bar ? done * 100 / total : done * 10 / total * 10;
  if (percent == percent_) return;
  const bool first = percent_ > 100;
  percent_ = percent;
  if (!bar) {
    if (!first || percent > 0) fmt::print(stderr, "sparsesim: {} of {} {}\n", done, total, items_);
    return;
  }
  const std::size_t filled = percent * kWidth / 100;
  fmt::print(stderr, "\r[{}{}] {:3} %  {} of {} {}", std::string(filled, '#'), std::string(kWidth - filled, '.'),
             percent, done, total, items_);
  std::fflush(stderr);
}

void ProgressBar::clear() const {
  if (percent_ <= 100 && visible()) fmt::print(stderr, "\r\033[K");
}

bool ProgressBar::visible() { return ::isatty(STDERR_FILENO) != 0; }

}  // namespace sparsesim::cli
