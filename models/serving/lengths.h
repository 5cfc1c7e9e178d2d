#pragma once
// How many tokens requests have: a number, or a law to draw from.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/core/random.h"

namespace sparsesim {

/// Written as `512`, `uniform:128:2048` (every whole number of the range alike) or `lognormal:MEAN:SIGMA[:MOST]`, with
/// SIGMA the deviation of the logarithm. Prompts and answers of chat services are near to log-normal (BurstGPT, arXiv
/// 2401.17644; Splitwise, ISCA 2024).
struct TokenLaw {
  enum class Kind { constant, uniform, lognormal };
  Kind kind = Kind::constant;
  double low = 1, high = 1;    // uniform; constant: both
  double mean = 1, sigma = 0;  // lognormal: of the law before it is rounded and cut
  std::int64_t most = 0;       // lognormal: longer ones are cut to this
  std::string text;            // as it was written

  static TokenLaw constant(std::int64_t tokens);
  /// One draw, 1 or more. A log-normal one is exp(N(ln mean - sigma^2 / 2, sigma)), rounded.
  std::int64_t draw(RandomStream& random) const;
};

/// Nothing where `text` is none of the forms, with lengths of 1 to kRequestTokensMost and sigma of 0 to 4.
std::optional<TokenLaw> parse_token_law(std::string_view text);
inline constexpr const char* kTokenLawForms = "N, uniform:LOW:HIGH or lognormal:MEAN:SIGMA[:MOST]";

}  // namespace sparsesim
