#include "models/serving/lengths.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "models/serving/request.h"

namespace sparsesim {
namespace {

/// The whole text as a number; nothing for anything else.
std::optional<double> whole_number(std::string_view text, double low, double high) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc() || at != end || !(value >= low && value <= high)) return std::nullopt;
  return value;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

std::optional<std::int64_t> tokens_of(std::string_view text) {
  const auto value = whole_number(text, 1, static_cast<double>(kRequestTokensMost));
  if (!value || *value != std::floor(*value)) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

}  // namespace

TokenLaw TokenLaw::constant(std::int64_t tokens) {
  TokenLaw law;
  law.low = law.high = law.mean = static_cast<double>(tokens);
  law.text = std::to_string(tokens);
  return law;
}

std::int64_t TokenLaw::draw(RandomStream& random) const {
  if (kind == Kind::constant) return static_cast<std::int64_t>(low);
  if (kind == Kind::uniform)
    return static_cast<std::int64_t>(low) + random.below(static_cast<std::int64_t>(high - low) + 1);
  const double drawn = std::exp(random.normal(std::log(mean) - sigma * sigma / 2, sigma));
  return static_cast<std::int64_t>(std::clamp(std::round(drawn), 1.0, static_cast<double>(most)));
}

std::optional<TokenLaw> parse_token_law(std::string_view text) {
  const auto parts = parts_of(text);
  TokenLaw law;
  if (parts.size() == 1) {
    const auto tokens = tokens_of(text);
    if (!tokens) return std::nullopt;
    law = TokenLaw::constant(*tokens);
  } else if (parts[0] == "uniform" && parts.size() == 3) {
    const auto low = tokens_of(parts[1]), high = tokens_of(parts[2]);
    if (!low || !high || *low > *high) return std::nullopt;
    law.kind = TokenLaw::Kind::uniform;
    law.low = static_cast<double>(*low);
    law.high = static_cast<double>(*high);
  } else if (parts[0] == "lognormal" && (parts.size() == 3 || parts.size() == 4)) {
    const auto mean = whole_number(parts[1], 1, static_cast<double>(kRequestTokensMost));
    const auto sigma = whole_number(parts[2], 0, 4);
    const auto most = parts.size() == 4 ? tokens_of(parts[3]) : std::optional(kRequestTokensMost);
    if (!mean || !sigma || !most) return std::nullopt;
    law.kind = TokenLaw::Kind::lognormal;
    law.mean = *mean;
    law.sigma = *sigma;
    law.most = *most;
  } else {
    return std::nullopt;
  }
  law.text = text;
  return law;
}

}  // namespace sparsesim
