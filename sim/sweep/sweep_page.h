#pragma once
// Results of sweeps as one page with charts (docs/pictures.md).

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/sweep/store.h"

namespace sparsesim::sweep {

/// More points than this are no page that anybody could open.
inline constexpr std::int64_t kPagePointsMost = 200'000;
/// More terms of waterfalls, or parameters, are no sweep but an attempt to fill the memory.
inline constexpr std::size_t kPageTermsMost = 50, kPageParametersMost = 1000;
/// More rows of ops than this, over all points, are left to `export --table ops`.
inline constexpr std::size_t kPageOpsMost = 200'000;

/// The numbers of the page as JSON: per sweep its parameters, each with its values and for every point the index of
/// one, and the columns of the points. A column is a list, or {values, index} where values repeat, or {value} where all
/// are equal. Times in us, exactly as export has them; other numbers have six digits. `hash` chooses a sweep; empty:
/// all. Errors: StoreError, also for more than kPagePointsMost points.
std::string page_data(Store& store, std::string_view hash = {});

/// The page. Requires has_pages(). Errors: as page_data().
std::string sweep_page(Store& store, std::string_view hash = {});

}  // namespace sparsesim::sweep
