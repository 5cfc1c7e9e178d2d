#include "models/sparsity/routing/routing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "models/sparsity/routing/routing_trace.h"
#include "sim/core/random.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;  // of one expert: sums stay in 64 bits
constexpr std::int64_t kMostExperts = std::int64_t{1} << 20;
constexpr std::int64_t kMostDraws = std::int64_t{1} << 24;  // one by one, in every run anew: 0.1 s
constexpr std::string_view kForms =
    "balanced, uniform, power_law:A, zipf:A, expert_choice, counts:[a, b, ...], trace:PATH";

template <class Number>
bool read_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::vector<std::int64_t> parse_counts(std::string_view text, std::string_view whole) {
  if (!text.empty() && text.front() == '[') text.remove_prefix(1);
  if (!text.empty() && text.back() == ']') text.remove_suffix(1);
  std::vector<std::int64_t> counts;
  while (true) {
    const auto end = text.find_first_of(",+");
    std::int64_t count = 0;
    if (!read_number(trim(text.substr(0, end)), count) || count < 0 || count > kMostTokens)
      throw RoutingError(fmt::format("routing \"{}\": entry {} is not a count of tokens", whole, counts.size() + 1));
    counts.push_back(count);
    if (end == std::string_view::npos) return counts;
    text.remove_prefix(end + 1);
  }
}

// Weights by inverse CDF of a power law; `u` is uniform in [0, 1).
double power_law_quantile(double exponent, double low, double high, double u) {
  if (exponent == 1.0) return low * std::pow(high / low, u);
  const double power = 1.0 - exponent, first = std::pow(low, power);
  return std::pow(first + u * (std::pow(high, power) - first), 1.0 / power);
}

std::vector<double> power_law_weights(double exponent, const RoutingSize& size, const RoutingDraw& draw) {
  const bool many = size.tokens * size.top_k > size.experts;
  const double low = many ? 1.0 : 0.01;
  const double high = many ? std::max(1.0, 0.8 * static_cast<double>(size.tokens)) : 2.0;
  RandomStream stream(draw.seed, "routing/power_law");
  std::vector<double> weights;
  for (std::int64_t expert = 0; expert < size.experts; ++expert) {
    const double midpoint = (static_cast<double>(expert) + 0.5) / static_cast<double>(size.experts);
    weights.push_back(power_law_quantile(exponent, low, high, draw.expected ? midpoint : stream.uniform()));
  }
  return weights;
}

// Which expert is popular is chance: sorted weights would put all heavy experts side by side in the grid.
void shuffle(std::vector<double>& weights, std::uint64_t seed) {
  RandomStream stream(seed, "routing/order");
  for (std::size_t i = weights.size(); i > 1; --i)
    std::swap(weights[i - 1], weights[static_cast<std::size_t>(stream.below(static_cast<std::int64_t>(i)))]);
}

std::vector<std::int64_t> balanced(const RoutingSize& size) {
  const std::int64_t slots = size.tokens * size.top_k;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(size.experts), slots / size.experts);
  for (std::int64_t i = 0; i < slots % size.experts; ++i) ++counts[static_cast<std::size_t>(i)];
  return counts;
}

std::vector<std::int64_t> uniform(const RoutingSize& size, std::uint64_t seed) {
  if (size.tokens > kMostDraws / size.top_k)
    throw RoutingError(fmt::format("uniform draws {} * {} times, at most {}: take balanced or power_law:0", size.tokens,
                                   size.top_k, kMostDraws));
  RandomStream stream(seed, "routing/uniform");
  std::vector<std::int64_t> counts(static_cast<std::size_t>(size.experts));
  std::vector<std::int64_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t token = 0; token < size.tokens; ++token)
    for (std::int64_t slot = 0; slot < size.top_k; ++slot) {
      const auto other = static_cast<std::size_t>(slot + stream.below(size.experts - slot));
      std::swap(order[static_cast<std::size_t>(slot)], order[other]);
      ++counts[static_cast<std::size_t>(order[static_cast<std::size_t>(slot)])];
    }
  return counts;
}

std::vector<std::int64_t> explicit_counts(const std::vector<std::int64_t>& counts, const RoutingSize& size) {
  const auto sum = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  if (static_cast<std::int64_t>(counts.size()) != size.experts)
    throw RoutingError(fmt::format("routing lists {} experts, the layer has {}", counts.size(), size.experts));
  if (sum != size.tokens * size.top_k)
    throw RoutingError(fmt::format("routing counts add to {}, tokens * top_k is {}", sum, size.tokens * size.top_k));
  const auto most = *std::max_element(counts.begin(), counts.end());
  if (most > size.tokens)
    throw RoutingError(fmt::format("an expert serves {} of {} tokens; each token counts once", most, size.tokens));
  return counts;
}

std::vector<std::int64_t> trace_counts(const std::string& path, const RoutingSize& size) {
  config::Diagnostics diagnostics;
  auto counts = read_routing_trace(path, size, {}, diagnostics);
  diagnostics.throw_if_any();
  return counts;
}

void check(const RoutingSize& size) {
  if (size.experts > kMostExperts || size.tokens > kMostTokens)
    throw RoutingError(fmt::format("{} tokens and {} experts are too many to route", size.tokens, size.experts));
  if (size.tokens < 0 || size.experts < 1 || size.top_k < 1 || size.top_k > size.experts)
    throw RoutingError(
        fmt::format("{} tokens cannot choose {} different ones of {} experts", size.tokens, size.top_k, size.experts));
}

// Hands `slots` one by one to whoever has least: raises the lowest to the level of the next until none is left.
void fill_lowest(std::vector<std::int64_t>& counts, std::int64_t slots) {
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return counts[a] < counts[b]; });
  std::int64_t level = counts[order[0]];
  std::size_t low = 1;  // so many share the level
  for (; low < order.size(); ++low) {
    const std::int64_t gap = counts[order[low]] - level;
    const auto width = static_cast<std::int64_t>(low);
    if (gap > slots / width) break;
    level += gap;
    slots -= gap * width;
  }
  const auto width = static_cast<std::int64_t>(low);
  for (std::size_t i = 0; i < low; ++i)
    counts[order[i]] = level + slots / width + (static_cast<std::int64_t>(i) < slots % width ? 1 : 0);
}

}  // namespace

Routing parse_routing(std::string_view text) {
  const auto colon = text.find(':');
  const auto word = trim(text.substr(0, colon));
  const auto rest = colon == std::string_view::npos ? std::string_view() : trim(text.substr(colon + 1));
  Routing routing;
  if (word == "balanced" && rest.empty()) return routing;
  if (word == "uniform" && rest.empty()) {
    routing.kind = Routing::Kind::uniform;
    return routing;
  }
  if (word == "expert_choice" && rest.empty()) {
    routing.kind = Routing::Kind::expert_choice;
    return routing;
  }
  if (word == "power_law" || word == "zipf") {
    routing.kind = word == "zipf" ? Routing::Kind::zipf : Routing::Kind::power_law;
    if (!read_number(rest, routing.exponent) || !(routing.exponent >= 0) || routing.exponent > 100)
      throw RoutingError(fmt::format("routing \"{}\": {} needs an exponent of 0 to 100, as {}:1.2", text, word, word));
    return routing;
  }
  if (word == "counts") {
    routing.kind = Routing::Kind::counts;
    routing.counts = parse_counts(rest, text);
    return routing;
  }
  if (word == "trace" && !rest.empty()) {
    routing.kind = Routing::Kind::trace;
    routing.trace = rest;
    return routing;
  }
  throw RoutingError(fmt::format("unknown routing \"{}\" (known: {})", text, kForms));
}

std::vector<std::int64_t> apportion(const std::vector<double>& weights, const RoutingSize& size) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const std::int64_t slots = size.tokens * size.top_k;
  std::vector<std::int64_t> counts;
  for (double weight : weights) counts.push_back(std::llround(weight / total * static_cast<double>(slots)));
  // Rounding leaves a few slots over or short: the emptiest experts take what is over, the fullest give what is short.
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return counts[a] < counts[b]; });
  std::int64_t left = slots - std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  for (std::size_t i = 0; left != 0; i = (i + 1) % order.size()) {
    std::int64_t& count = counts[order[left > 0 ? i : order.size() - 1 - i]];
    if (left < 0 && count == 0) continue;
    count += left > 0 ? 1 : -1;
    left += left > 0 ? -1 : 1;
  }
  std::int64_t overflow = 0;
  for (std::int64_t& count : counts) {
    overflow += std::max<std::int64_t>(0, count - size.tokens);
    count = std::min(count, size.tokens);
  }
  fill_lowest(counts, overflow);
  return counts;
}

std::vector<std::int64_t> route(const Routing& routing, const RoutingSize& size, const RoutingDraw& draw) {
  check(size);
  switch (routing.kind) {
    case Routing::Kind::balanced:
    case Routing::Kind::expert_choice:
      return balanced(size);
    case Routing::Kind::uniform:
      return uniform(size, draw.seed);
    case Routing::Kind::counts:
      return explicit_counts(routing.counts, size);
    case Routing::Kind::trace:
      return trace_counts(routing.trace, size);
    case Routing::Kind::power_law:
    case Routing::Kind::zipf:
      break;
  }
  std::vector<double> weights;
  if (routing.kind == Routing::Kind::zipf) {
    for (std::int64_t rank = 1; rank <= size.experts; ++rank)
      weights.push_back(std::pow(static_cast<double>(rank), -routing.exponent));
  } else {
    weights = power_law_weights(routing.exponent, size, draw);
  }
  if (draw.expected || routing.kind == Routing::Kind::zipf) shuffle(weights, draw.seed);
  return apportion(weights, size);
}

double expected_untaken_share(const RoutingSize& size) {
  const double experts = static_cast<double>(size.experts);
  return std::pow(1 - static_cast<double>(size.top_k) / experts, experts);
}

std::int64_t distinct_experts(const std::vector<std::int64_t>& counts) {
  return std::count_if(counts.begin(), counts.end(), [](std::int64_t count) { return count > 0; });
}

Capacity apply_capacity(const std::vector<std::int64_t>& counts, const RoutingSize& size, double factor) {
  check(size);
  Capacity capacity{counts, 0, 0};
  if (factor <= 0) return capacity;
  const double even = static_cast<double>(size.tokens * size.top_k) / static_cast<double>(size.experts);
  capacity.rows = static_cast<std::int64_t>(std::min(static_cast<double>(size.tokens), std::ceil(factor * even)));
  for (std::int64_t& count : capacity.counts) {
    capacity.dropped += std::max<std::int64_t>(0, count - capacity.rows);
    count = std::min(count, capacity.rows);
  }
  return capacity;
}

}  // namespace sparsesim
