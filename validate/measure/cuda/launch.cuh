#pragma once
// What kernels and their launches have in common.

#include <cstdint>

namespace sparsesim::measure {

constexpr int kThreads = 256, kWarp = 32;  // kThreads: of a CTA, where a kernel does not name its own
constexpr unsigned kAll = 0xffffffffu;     // every lane of a warp
constexpr std::int64_t kMostCtas = 65536;  // of kernels that step through what is left over

constexpr unsigned as_count(std::int64_t value) { return static_cast<unsigned>(value); }

/// CTAs for `items` at `per_cta` each: at least one, at most `most`.
constexpr unsigned ctas_for(std::int64_t items, std::int64_t per_cta, std::int64_t most = INT32_MAX) {
  const std::int64_t ctas = (items + per_cta - 1) / per_cta;
  return static_cast<unsigned>(ctas < 1 ? 1 : ctas > most ? most : ctas);
}

}  // namespace sparsesim::measure
