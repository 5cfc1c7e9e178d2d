#pragma once
// What a user asks of a served model, and what became of it.

#include <cstdint>
#include <vector>

#include "sim/core/units.h"

namespace sparsesim {

/// Tokens that a request may have, in and out; more is refused.
inline constexpr std::int64_t kRequestTokensMost = std::int64_t{1} << 20;
/// Requests of one run: about 100 bytes each.
inline constexpr std::int64_t kRequestsMost = 1'000'000;

/// First tokens of a prompt that it shares with others.
struct Prefix {
  std::int64_t id = 0;      // requests with the same one have them in common
  std::int64_t tokens = 0;  // as many as the shorter of two has; 0: none
};

struct Request {
  Time arrival;
  std::int64_t input = 1;   // tokens of the prompt
  std::int64_t output = 1;  // tokens that are generated, one at least
  Prefix prefix = {};       // of the input
  /// Keys and values that it keeps at the end: those of the last token are never needed.
  std::int64_t kept() const { return input + output - 1; }
};

/// A request after the run.
struct ServedRequest {
  Time arrival, start, first_token, end;  // start: of the first step that it is part of
  std::int64_t input = 0, output = 0;
  std::int64_t preemptions = 0;
  int replica = 0;
  Time wait() const { return start - arrival; }
  Time to_first_token() const { return first_token - arrival; }
  Time latency() const { return end - arrival; }
};

}  // namespace sparsesim
