#include "sim/core/wait_registry.h"

#include <fmt/format.h>

#include "sim/core/error.h"

namespace sparsesim {

WaitRegistry::Token WaitRegistry::open(std::uint32_t id, std::string_view what) {
  ++count_;
  if (free_.empty()) {
    waits_.push_back({id, true, what});
    return static_cast<Token>(waits_.size() - 1);
  }
  const Token token = free_.back();
  free_.pop_back();
  waits_[token] = {id, true, what};
  return token;
}

void WaitRegistry::close(Token token) {
  require(token < waits_.size() && waits_[token].open, "a wait was closed that is not open");
  waits_[token].open = false;
  free_.push_back(token);
  --count_;
}

std::string WaitRegistry::describe(int most) const {
  std::string text;
  int named = 0;
  for (const Wait& wait : waits_) {
    if (!wait.open) continue;
    if (named == most) {
      text += fmt::format("; and {} more", count_ - named);
      break;
    }
    text += fmt::format("{}id {} waits for {}", named == 0 ? "" : "; ", wait.id, wait.what);
    ++named;
  }
  return text;
}

}  // namespace sparsesim
