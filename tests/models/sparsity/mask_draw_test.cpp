// Masks drawn from a law: as many places as asked for, where the law puts them.
#include "models/sparsity/mask_draw.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "models/sparsity/product_counts.h"

namespace sparsesim {
namespace {

MaskLaw law_named(std::string_view name) {
  MaskLaw law;
  law.name = name;
  return law;
}

}  // namespace

TEST_CASE("every law draws as many different places as asked for, sorted, the same for the same seed") {
  for (const std::string_view name : mask_laws()) {
    CAPTURE(name);
    const Mask mask = draw_mask(law_named(name), 300, 500, 2000, 7);
    CHECK(mask.rows == 300);
    CHECK(mask.columns == 500);
    CHECK(mask.stored() == 2000);
    for (std::int64_t row = 0; row < mask.rows; ++row) {
      const auto places = mask.row(row);
      CHECK(std::adjacent_find(places.begin(), places.end(), std::greater_equal<>()) == places.end());
      CHECK((places.empty() || (places.front() >= 0 && places.back() < 500)));
    }
    CHECK(draw_mask(law_named(name), 300, 500, 2000, 7).indices == mask.indices);
    CHECK(draw_mask(law_named(name), 300, 500, 2000, 8).indices != mask.indices);
  }
}

TEST_CASE("uniform masks go up to all places, and fill rows with the variance of chance") {
  CHECK(draw_mask({}, 40, 30, 1200, 1).stored() == 1200);
  CHECK(draw_mask({}, 40, 30, 0, 1).stored() == 0);
  const Mask mask = draw_mask({}, 1000, 1000, 100000, 3);
  double squares = 0;
  for (const std::int32_t count : row_counts(mask).units) squares += std::pow(count - 100.0, 2);
  CHECK(squares / 1000 == doctest::Approx(100 * 0.9).epsilon(0.15));  // n p (1 - p)
}

TEST_CASE("a banded mask stays in its band, and stores no more than that holds") {
  MaskLaw law = law_named("banded");
  law.band = 3;
  const Mask mask = draw_mask(law, 200, 200, 1000, 1);
  for (std::int64_t row = 0; row < 200; ++row)
    for (const std::int32_t column : mask.row(row)) CHECK(std::abs(column - row) <= 3);
  CHECK(draw_mask(law, 200, 200, 100000, 1).stored() ==
        200 * 7 - 12);  // four places short in each of three corner rows
}

TEST_CASE("popular rows and columns come first, by their exponent") {
  MaskLaw law = law_named("power_law");
  law.row_exponent = 1;
  law.column_exponent = 0;
  const Mask mask = draw_mask(law, 4096, 4096, 40000, 1);
  const double first = static_cast<double>(mask.row(9).size()), later = static_cast<double>(mask.row(99).size());
  CHECK(first / later == doctest::Approx(10).epsilon(0.3));
  const auto columns = row_counts(transpose(mask)).units;
  CHECK(columns.front() < 40);
}

TEST_CASE("a shuffled graph has the same products: columns of A and rows of B are renamed alike") {
  MaskLaw law = law_named("power_law");
  const Mask plain = draw_mask(law, 500, 500, 4000, 1);
  law.shuffled = true;
  const Mask shuffled = draw_mask(law, 500, 500, 4000, 1);
  CHECK(shuffled.stored() == plain.stored());
  CHECK(shuffled.indices != plain.indices);
  const ProductCounts before = count_product(plain, plain), after = count_product(shuffled, shuffled);
  CHECK(after.products == before.products);
  CHECK(after.results == before.results);
}

TEST_CASE("R-MAT stores its shares in the quarters of the matrix") {
  const Mask mask = draw_mask(law_named("rmat"), 4096, 4096, 30000, 1);
  double corner = 0, below = 0;
  for (std::int64_t row = 0; row < 4096; ++row)
    for (const std::int32_t column : mask.row(row)) {
      corner += row < 2048 && column < 2048;
      below += row >= 2048 && column < 2048;
    }
  // Places of the dense corner are drawn twice more often, so a little less of it is left.
  CHECK(corner / 30000 == doctest::Approx(0.57).epsilon(0.05));
  CHECK(below / 30000 == doctest::Approx(0.19).epsilon(0.08));
}

}  // namespace sparsesim
