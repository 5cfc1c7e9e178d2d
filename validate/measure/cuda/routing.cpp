#include "validate/measure/cuda/routing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>

#include "validate/measure/cuda/host_device.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {
namespace {

/// A of "power_law:A".
std::optional<double> exponent_of(std::string_view text, std::string_view name) {
  if (text.substr(0, name.size()) != name) return std::nullopt;
  text.remove_prefix(name.size());
  double exponent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc{} || end != text.data() + text.size() || !(exponent >= 0)) return std::nullopt;
  return exponent;
}

/// x with P(X > x) falling as x^(1-a) on [low, high].
double power_law(double u, double low, double high, double a) {
  if (std::abs(a - 1) < 1e-9) return low * std::pow(high / low, u);
  const double p = 1 - a;
  return std::pow(u * (std::pow(high, p) - std::pow(low, p)) + std::pow(low, p), 1 / p);
}

std::vector<double> power_law_weights(double a, const RoutingSize& size, std::uint64_t seed) {
  const bool many = size.tokens * size.top_k > size.experts;
  const double low = many ? 1 : 0.01, high = many ? std::max(1.0, 0.8 * static_cast<double>(size.tokens)) : 2;
  std::vector<double> weights(static_cast<std::size_t>(size.experts));
  for (std::size_t e = 0; e < weights.size(); ++e) weights[e] = power_law(random_unit(seed, e), low, high, a);
  return weights;
}

/// Rounds weights to counts that add up; what an expert cannot take goes to the emptiest.
std::vector<std::int64_t> counts_of(const std::vector<double>& weights, const RoutingSize& size) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const std::int64_t slots = size.tokens * size.top_k;
  std::vector<std::int64_t> counts;
  for (const double weight : weights)
    counts.push_back(std::min<std::int64_t>(size.tokens, std::llround(weight / sum * static_cast<double>(slots))));
  std::int64_t left = slots - std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  for (; left > 0; --left) ++*std::min_element(counts.begin(), counts.end());
  for (; left < 0; ++left) --*std::max_element(counts.begin(), counts.end());
  return counts;
}

std::vector<std::int64_t> uniform_counts(const RoutingSize& size, std::uint64_t seed) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(size.experts));
  std::vector<std::int32_t> taken;
  for (std::int64_t token = 0; token < size.tokens; ++token) {
    taken.clear();
    for (std::uint64_t draw = 0; static_cast<std::int64_t>(taken.size()) < size.top_k; ++draw) {
      const std::uint64_t index = static_cast<std::uint64_t>(token) << 24 | draw;
      const auto expert =
          static_cast<std::int32_t>(random_below(seed, index, static_cast<std::uint64_t>(size.experts)));
      if (std::find(taken.begin(), taken.end(), expert) == taken.end()) taken.push_back(expert);
    }
    for (const std::int32_t expert : taken) ++counts[static_cast<std::size_t>(expert)];
  }
  return counts;
}

}  // namespace

std::vector<std::int64_t> expert_counts(std::string_view routing, const RoutingSize& size, std::uint64_t seed) {
  if (size.experts < 1 || size.top_k < 1 || size.top_k > size.experts || size.tokens < 1)
    throw NotHere("a row of experts needs tokens, experts and top_k up to experts");
  if (routing == "balanced") return counts_of(std::vector<double>(static_cast<std::size_t>(size.experts), 1), size);
  if (routing == "uniform") return uniform_counts(size, seed);
  if (const auto a = exponent_of(routing, "power_law:")) return counts_of(power_law_weights(*a, size, seed), size);
  if (const auto a = exponent_of(routing, "zipf:")) {
    std::vector<double> weights;
    for (std::int64_t rank = 1; rank <= size.experts; ++rank)
      weights.push_back(std::pow(static_cast<double>(rank), -*a));
    return counts_of(weights, size);
  }
  throw NotHere("routing " + std::string(routing) + " is not drawn here");
}

// The fullest experts first: so no token is ever left with fewer than top_k different ones.
std::vector<std::int32_t> deal_experts(std::vector<std::int64_t> counts, const RoutingSize& size) {
  std::vector<std::int32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  const auto fuller = [&](std::int32_t a, std::int32_t b) {
    const auto left = counts[static_cast<std::size_t>(a)], right = counts[static_cast<std::size_t>(b)];
    return left != right ? left > right : a < b;
  };
  std::vector<std::int32_t> chosen;
  for (std::int64_t token = 0; token < size.tokens; ++token) {
    std::partial_sort(order.begin(), order.begin() + size.top_k, order.end(), fuller);
    for (std::int64_t i = 0; i < size.top_k; ++i) {
      const std::int32_t expert = order[static_cast<std::size_t>(i)];
      --counts[static_cast<std::size_t>(expert)];
      chosen.push_back(expert);
    }
  }
  return chosen;
}

}  // namespace sparsesim::measure
