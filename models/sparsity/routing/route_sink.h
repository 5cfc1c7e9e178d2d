#pragma once
// Where the readers of routing traces put what they read.

#include <cstdint>
#include <string>

namespace sparsesim {

/// Takes a trace token by token. What is answered is what is wrong, or nothing.
class RouteSink {
 public:
  virtual ~RouteSink() = default;
  enum class Label { none, layer, step };
  struct Entered {
    bool counts = true;         // what follows does
    std::string problem = {};   // then nothing counts
    Label about = Label::none;  // which of the two it is about
  };
  /// What follows is of this layer and step; -1: the trace does not say.
  virtual Entered enter(std::int64_t layer, std::int64_t step) = 0;
  virtual void next_token() = 0;
  /// One expert of the current token.
  virtual std::string choose(std::int64_t expert) = 0;
  /// What is wrong with the current token as a whole.
  virtual std::string token_problem() const = 0;
  /// Tokens of one expert, without names.
  virtual std::string add(std::int64_t expert, std::int64_t tokens) = 0;
  /// What is wrong with the trace as a whole.
  virtual std::string trace_problem() const = 0;
};

}  // namespace sparsesim
