#pragma once
// Counts the choices of token after token, and says what is wrong with one; used by the readers of routing traces.

#include <fmt/format.h>

#include <string>
#include <vector>

#include "models/sparsity/routing/route_sink.h"
#include "models/sparsity/routing/routing.h"

namespace sparsesim {

/// Which lines of a trace count. -1: any, but they must then agree.
struct TracePart {
  std::int64_t layer = -1, step = -1;
};

class RouteCounter : public RouteSink {
 public:
  RouteCounter(const RoutingSize& size, const TracePart& part)
      : size_(size), part_(part), counts_(static_cast<std::size_t>(size.experts)), last_token_(counts_.size()) {}

  Entered enter(std::int64_t layer, std::int64_t step) override {
    Entered entered = belongs(Label::layer, layer, part_.layer, layer_);
    return entered.counts ? belongs(Label::step, step, part_.step, step_) : entered;
  }
  void next_token() override {
    ++tokens_;
    chosen_ = 0;
  }
  std::string choose(std::int64_t expert) override {
    if (expert < 0 || expert >= size_.experts)
      return fmt::format("expert {} of a layer with {} (counted from 0)", expert, size_.experts);
    std::int64_t& last = last_token_[static_cast<std::size_t>(expert)];
    if (last == tokens_) return fmt::format("expert {} twice for one token", expert);
    last = tokens_;
    ++counts_[static_cast<std::size_t>(expert)];
    ++chosen_;
    return {};
  }
  std::string token_problem() const override {
    return chosen_ == size_.top_k ? "" : fmt::format("{} experts for a token, top_k is {}", chosen_, size_.top_k);
  }
  std::string add(std::int64_t expert, std::int64_t tokens) override {
    if (expert < 0 || expert >= size_.experts)
      return fmt::format("expert {} of a layer with {} (counted from 0)", expert, size_.experts);
    std::int64_t& count = counts_[static_cast<std::size_t>(expert)];
    if (tokens < 0 || tokens > size_.tokens - count)
      return fmt::format("an expert serves {} of {} tokens; each token counts once", tokens, size_.tokens);
    count += tokens;
    slots_ += tokens;
    return {};
  }
  /// Choices without names must make whole tokens.
  std::string trace_problem() const override {
    if (slots_ % size_.top_k != 0)
      return fmt::format("{} choices are no whole tokens of top_k {}", slots_, size_.top_k);
    const std::int64_t tokens = tokens_ + slots_ / size_.top_k;
    return tokens == size_.tokens ? "" : fmt::format("the trace has {} tokens, the layer {}", tokens, size_.tokens);
  }
  std::vector<std::int64_t> take() { return std::move(counts_); }

 private:
  /// Where no layer or step is asked for, all must be of the first one's; that they are not is told once.
  Entered belongs(Label label, std::int64_t value, std::int64_t wanted, std::int64_t& seen) {
    const char* key = label == Label::layer ? "layer" : "step";
    if (value < 0)
      return wanted < 0 ? Entered{} : Entered{false, fmt::format("no {} here: trace_{} asks for one", key, key), label};
    if (wanted >= 0) return {value == wanted, {}, label};
    if (seen < 0) seen = value;
    if (seen == value) return {};
    Entered other{false, {}, label};
    if (!told_) other.problem = fmt::format("{} {} here, {} before: trace_{} says which counts", key, value, seen, key);
    told_ = true;
    return other;
  }

  const RoutingSize size_;
  const TracePart part_;
  std::vector<std::int64_t> counts_;
  std::vector<std::int64_t> last_token_;  // that chose the expert, counted from 1
  std::int64_t tokens_ = 0, chosen_ = 0;
  std::int64_t slots_ = 0;  // without names
  std::int64_t layer_ = -1, step_ = -1;
  bool told_ = false;
};

}  // namespace sparsesim
