#include "sim/cli/interrupt.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "sim/cli/say.h"

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
  const double now = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  pace_.add(now, static_cast<std::int64_t>(done));
  if (percent == percent_ && !(bar && now >= drawn_ + 1)) return;
  drawn_ = now;
  const bool first = percent_ > 100;
  percent_ = percent;
  if (!bar) {
    if (!first || percent > 0) say("sparsesim: {} of {} {}\n", done, total, items_);
    return;
  }
  const std::size_t filled = percent * kWidth / 100;
  const std::string pace = pace_.text(static_cast<std::int64_t>(total - done));
  say("\r[{}{}] {:3} %  {} of {} {}{}{}\033[K", std::string(filled, '#'), std::string(kWidth - filled, '.'), percent,
      done, total, items_, pace.empty() ? "" : ", ", pace);
  std::fflush(stderr);
}

void ProgressBar::clear() const {
  if (percent_ <= 100 && visible()) say("\r\033[K");
}

bool ProgressBar::visible() { return ::isatty(STDERR_FILENO) != 0; }

}  // namespace sparsesim::cli
