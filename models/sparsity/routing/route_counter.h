#pragma once
// Counts the choices of token after token, and says what is wrong with one; used by the readers of routing traces.

#include <fmt/format.h>

#include <string>
#include <vector>

#include "models/sparsity/routing/routing.h"

namespace sparsesim {

class RouteCounter {
 public:
  explicit RouteCounter(const RoutingSize& size)
      : size_(size), counts_(static_cast<std::size_t>(size.experts)), last_token_(counts_.size()) {}

  void next_token() {
    ++tokens_;
    chosen_ = 0;
  }
  /// Counts one expert of the current token. Returns what is wrong with it, or nothing.
  std::string choose(std::int64_t expert) {
    if (expert < 0 || expert >= size_.experts)
      return fmt::format("expert {} of a layer with {} (counted from 0)", expert, size_.experts);
    std::int64_t& last = last_token_[static_cast<std::size_t>(expert)];
    if (last == tokens_) return fmt::format("expert {} twice for one token", expert);
    last = tokens_;
    ++counts_[static_cast<std::size_t>(expert)];
    ++chosen_;
    return {};
  }
  /// What is wrong with the current token as a whole, or nothing.
  std::string token_problem() const {
    return chosen_ == size_.top_k ? "" : fmt::format("{} experts for a token, top_k is {}", chosen_, size_.top_k);
  }
  /// Adds the tokens of one expert without names. Returns what is wrong with their number, or nothing.
  std::string add(std::int64_t expert, std::int64_t tokens) {
    if (expert < 0 || expert >= size_.experts)
      return fmt::format("expert {} of a layer with {} (counted from 0)", expert, size_.experts);
    std::int64_t& count = counts_[static_cast<std::size_t>(expert)];
    if (tokens < 0 || tokens > size_.tokens - count)
      return fmt::format("an expert serves {} of {} tokens; each token counts once", tokens, size_.tokens);
    count += tokens;
    slots_ += tokens;
    return {};
  }
  /// What is wrong with the trace as a whole, or nothing. Choices without names must make whole tokens.
  std::string trace_problem() const {
    if (slots_ % size_.top_k != 0)
      return fmt::format("{} choices are no whole tokens of top_k {}", slots_, size_.top_k);
    const std::int64_t tokens = tokens_ + slots_ / size_.top_k;
    return tokens == size_.tokens ? "" : fmt::format("the trace has {} tokens, the layer {}", tokens, size_.tokens);
  }
  std::vector<std::int64_t> take() { return std::move(counts_); }

 private:
  const RoutingSize size_;
  std::vector<std::int64_t> counts_;
  std::vector<std::int64_t> last_token_;  // that chose the expert, counted from 1
  std::int64_t tokens_ = 0, chosen_ = 0;
  std::int64_t slots_ = 0;  // without names
};

}  // namespace sparsesim
