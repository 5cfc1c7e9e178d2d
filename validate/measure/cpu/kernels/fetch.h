#pragma once
// Lines on their way before a loop needs them. Nothing of this in instruction sets without fetches_ahead.

#include <cstdint>

namespace sparsesim::measure {
namespace {

constexpr std::int64_t kLineBytes = 64;

/// Asks for the lines of `count` numbers that lie `ahead` numbers after `from`: by the time they are needed, memory has
/// sent them. Prefetchers of the processor lose a stream among rows of activations at random places.
template <class S, class T>
[[gnu::always_inline]] inline void fetch_ahead(const T* from, std::int64_t count, std::int64_t ahead) {
  if constexpr (S::fetches_ahead) {
    for (std::int64_t i = 0; i < count; i += kLineBytes / sizeof(T)) __builtin_prefetch(from + i + ahead);
  }
}
constexpr std::int64_t kAhead = 768;  // numbers: 3 KB of each stream, what memory sends in a latency

/// The same of lines that will be written.
template <class S>
[[gnu::always_inline]] inline void fetch_to_write(float* to, std::int64_t count) {
  if constexpr (S::fetches_ahead)
    for (std::int64_t i = 0; i < count; i += kLineBytes / 4) __builtin_prefetch(to + i, 1);
}

/// Reads the lines of `count` numbers in their order. As a stream they come several times as fast as one by one, for
/// processors follow loads, not requests, and a loop that computes has few lines under way.
template <class S>
[[gnu::always_inline]] inline void read_in_order(const float* from, std::int64_t count) {
  if constexpr (S::fetches_ahead)
    for (std::int64_t i = 0; i < count; i += kLineBytes / 4)
      static_cast<void>(*const_cast<const volatile float*>(from + i));
}

}  // namespace
}  // namespace sparsesim::measure
