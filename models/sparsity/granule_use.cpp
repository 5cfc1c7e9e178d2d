#include "models/sparsity/granule_use.h"

#include <algorithm>
#include <cmath>

namespace sparsesim {

GranuleUse granule_use(const Mask& mask, Granule granule) {
  granule = {std::min(granule.rows, mask.rows), std::min(granule.columns, mask.columns)};
  const std::int64_t across = (mask.columns + granule.columns - 1) / granule.columns;
  const std::int64_t down = (mask.rows + granule.rows - 1) / granule.rows;
  GranuleUse use;
  use.granules = across * down;
  use.places = mask.places();
  use.stored = static_cast<double>(mask.stored());
  const std::int64_t last_width = mask.columns - (across - 1) * granule.columns;
  const auto width_of_one = static_cast<std::uint32_t>(granule.columns);  // 32-bit division is several times faster
  std::vector<std::int32_t> seen(static_cast<std::size_t>(across), -1);   // the last row of granules that used it
  for (std::int64_t band = 0; band < down; ++band) {
    const std::int64_t begin = band * granule.rows, end = std::min(begin + granule.rows, mask.rows);
    const auto mark = static_cast<std::int32_t>(band);
    std::int64_t occupied = 0;
    for (std::int64_t row = begin; row < end && occupied < across; ++row) {
      std::uint32_t limit = 0;  // columns below are in a granule that was counted
      for (const std::int32_t place : mask.row(row)) {
        const auto column = static_cast<std::uint32_t>(place);
        if (column < limit) continue;
        const std::uint32_t index = column / width_of_one;
        limit = (index + 1) * width_of_one;
        std::int32_t& last = seen[index];
        occupied += last != mark;
        last = mark;
      }
    }
    use.occupied += occupied;
    const bool cut = seen.back() == mark;
    const std::int64_t width = occupied * granule.columns - (cut ? granule.columns - last_width : 0);
    use.occupied_places += static_cast<double>(width) * static_cast<double>(end - begin);
  }
  return use;
}

double expected_share_at_random(const Mask& mask, Granule granule) {
  const double density = mask.density();
  if (density >= 1) return 1;
  double expected = 0, granules = 0;
  const auto add = [&](std::int64_t count, std::int64_t rows, std::int64_t columns) {
    const double places = static_cast<double>(rows) * static_cast<double>(columns);
    expected += static_cast<double>(count) * -std::expm1(places * std::log1p(-density));
    granules += static_cast<double>(count);
  };
  const std::int64_t down = mask.rows / granule.rows, across = mask.columns / granule.columns;
  const std::int64_t low = mask.rows % granule.rows, narrow = mask.columns % granule.columns;
  add(down * across, granule.rows, granule.columns);
  if (narrow > 0) add(down, granule.rows, narrow);
  if (low > 0) add(across, low, granule.columns);
  if (low > 0 && narrow > 0) add(1, low, narrow);
  return expected / granules;
}

RowBalance row_balance(const RowCounts& counts, std::int64_t rows_per_group) {
  const auto rows = static_cast<std::int64_t>(counts.units.size());
  double total = 0, slots = 0, most = 0, groups = 0;
  for (std::int64_t begin = 0; begin < rows; begin += rows_per_group) {
    const std::int64_t end = std::min(begin + rows_per_group, rows);
    double sum = 0, longest = 0;
    for (std::int64_t row = begin; row < end; ++row) {
      const double units = counts.units[static_cast<std::size_t>(row)];
      sum += units;
      longest = std::max(longest, units);
    }
    total += sum;
    slots += longest * static_cast<double>(end - begin);
    most = std::max(most, sum);
    ++groups;
  }
  if (total == 0) return {};
  return {most * groups / total, 1 - total / slots};
}

}  // namespace sparsesim
