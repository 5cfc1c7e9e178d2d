#include "models/sparsity/mask_draw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "sim/core/counts.h"
#include "sim/core/random.h"

namespace sparsesim {
namespace {

constexpr std::array<std::string_view, 4> kLaws = {"uniform", "power_law", "rmat", "banded"};
constexpr std::int64_t kDrawsPerPlace = 16;

/// Numbers below `count`, i with probability ~ (i + 1)^-exponent.
class Popularity {
 public:
  Popularity(std::int64_t count, double exponent) : sums_(at(count)) {
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sums_[at(i)] = sum += std::pow(real(i + 1), -exponent);
  }
  std::int64_t draw(RandomStream& random) const {
    const double place = random.uniform() * sums_.back();
    const auto found = std::upper_bound(sums_.begin(), sums_.end(), place);
    return std::min<std::int64_t>(found - sums_.begin(), static_cast<std::int64_t>(sums_.size()) - 1);
  }

 private:
  std::vector<double> sums_;
};

/// One place, as row * columns + column.
std::int64_t draw_rmat(const MaskLaw& law, std::int64_t rows, std::int64_t columns, RandomStream& random) {
  std::int64_t row = 0, column = 0, side = 1;
  while (side < std::max(rows, columns)) {
    side *= 2;
    const double u = random.uniform();
    const bool lower = u >= law.corner + law.beside;
    const bool right = lower ? u >= law.corner + law.beside + law.below : u >= law.corner;
    row = 2 * row + lower;
    column = 2 * column + right;
  }
  // A rectangle is the square seen at a coarser step along its short side.
  row = row * rows / side;
  column = column * columns / side;
  return row * columns + column;
}

std::int64_t draw_banded(const MaskLaw& law, std::int64_t rows, std::int64_t columns, RandomStream& random) {
  const std::int64_t row = random.below(rows), middle = row * columns / rows;
  const std::int64_t first = std::max<std::int64_t>(0, middle - law.band);
  const std::int64_t last = std::min(columns - 1, middle + law.band);
  return row * columns + first + random.below(last - first + 1);
}

/// Draws until `stored` different places are there, or too many draws were made; sorted.
template <typename Draw>
std::vector<std::int64_t> distinct_places(std::int64_t stored, Draw&& draw) {
  std::vector<std::int64_t> places;
  places.reserve(at(stored));
  std::int64_t left = stored * kDrawsPerPlace;
  while (static_cast<std::int64_t>(places.size()) < stored && left > 0) {
    const std::int64_t missing = std::min(left, stored - static_cast<std::int64_t>(places.size()));
    left -= missing;
    const auto before = static_cast<std::ptrdiff_t>(places.size());
    for (std::int64_t i = 0; i < missing; ++i) places.push_back(draw());
    std::sort(places.begin() + before, places.end());
    std::inplace_merge(places.begin(), places.begin() + before, places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
  }
  return places;
}

/// All places but those drawn: where most of them are stored, it is quicker to draw the others.
std::vector<std::int64_t> all_but(const std::vector<std::int64_t>& left_out, std::int64_t all) {
  std::vector<std::int64_t> places;
  places.reserve(at(all) - left_out.size());
  auto next = left_out.begin();
  for (std::int64_t place = 0; place < all; ++place)
    if (next != left_out.end() && *next == place)
      ++next;
    else
      places.push_back(place);
  return places;
}

std::vector<std::int64_t> draw_places(const MaskLaw& law, std::int64_t rows, std::int64_t columns, std::int64_t stored,
                                      RandomStream& random) {
  if (law.name == "rmat") return distinct_places(stored, [&] { return draw_rmat(law, rows, columns, random); });
  if (law.name == "banded") return distinct_places(stored, [&] { return draw_banded(law, rows, columns, random); });
  if (law.name == "power_law") {
    const Popularity of_rows(rows, law.row_exponent), of_columns(columns, law.column_exponent);
    return distinct_places(stored, [&] {
      const std::int64_t row = of_rows.draw(random);
      return row * columns + of_columns.draw(random);
    });
  }
  const std::int64_t all = rows * columns;
  const auto anywhere = [&] { return random.below(all); };
  return stored > all / 2 ? all_but(distinct_places(all - stored, anywhere), all) : distinct_places(stored, anywhere);
}

/// An order of `count` things (Fisher and Yates), the same whenever there are as many: what is popular among the
/// columns of A stays so among the rows of B.
std::vector<std::int64_t> random_order(std::int64_t count) {
  RandomStream random(static_cast<std::uint64_t>(count), "order");
  std::vector<std::int64_t> order(at(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t other = random.below(i + 1);
    order[at(i)] = order[at(other)];
    order[at(other)] = i;
  }
  return order;
}

std::vector<std::int64_t> shuffled(std::vector<std::int64_t> places, std::int64_t rows, std::int64_t columns) {
  const auto of_rows = random_order(rows), of_columns = random_order(columns);
  for (std::int64_t& place : places) place = of_rows[at(place / columns)] * columns + of_columns[at(place % columns)];
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

std::span<const std::string_view> mask_laws() { return kLaws; }

Mask draw_mask(const MaskLaw& law, std::int64_t rows, std::int64_t columns, std::int64_t stored, std::uint64_t seed) {
  RandomStream random(seed, "mask");
  auto places = draw_places(law, rows, columns, stored, random);
  if (law.shuffled) places = shuffled(std::move(places), rows, columns);
  Mask mask{rows, columns, std::vector<std::int64_t>(at(rows) + 1), std::vector<std::int32_t>(places.size())};
  for (std::size_t i = 0; i < places.size(); ++i) {
    ++mask.offsets[at(places[i] / columns) + 1];
    mask.indices[i] = static_cast<std::int32_t>(places[i] % columns);
  }
  for (std::size_t row = 1; row < mask.offsets.size(); ++row) mask.offsets[row] += mask.offsets[row - 1];
  return mask;
}

}  // namespace sparsesim
