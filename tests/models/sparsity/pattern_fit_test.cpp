#include "models/sparsity/pattern_fit.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "models/sparsity/granule_use.h"
#include "sim/core/random.h"
#include "tests/models/sparsity/drawn_mask.h"

namespace sparsesim {
namespace {

Mask random_mask(std::int64_t rows, std::int64_t columns, double density, std::uint64_t seed) {
  RandomStream random(seed, "mask");
  Mask mask{rows, columns, {0}, {}};
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int32_t column = 0; column < columns; ++column)
      if (random.chance(density)) mask.indices.push_back(column);
    mask.offsets.push_back(mask.stored());
  }
  return mask;
}

}  // namespace

TEST_CASE("granules: occupied ones, their fill, and the zeros on free ones") {
  const Mask mask = drawn(
      "#...##\n"
      ".#....\n"
      "......\n");
  const GranuleUse use = granule_use(mask, {2, 2});
  CHECK(use.granules == 6);  // the lower three are cut to one row
  CHECK(use.occupied == 2);
  CHECK(use.fill() == doctest::Approx(4.0 / 8));
  CHECK(use.free_zeros() == doctest::Approx(10.0 / 14));
  CHECK(granule_use(mask, {1, 1}).free_zeros() == doctest::Approx(1));
  CHECK(granule_use(mask, {3, 6}).free_zeros() == doctest::Approx(0));
  const GranuleUse cut = granule_use(mask, {1, 4});  // the second of each row has two places
  CHECK(cut.occupied == 3);
  CHECK(cut.occupied_places == doctest::Approx(4 + 2 + 4));
}

TEST_CASE("granules: a full mask leaves none free, an empty one leaves all") {
  for (const Granule granule : {Granule{1, 1}, Granule{1, 3}, Granule{4, 2}}) {
    const GranuleUse full = granule_use(random_mask(7, 10, 1, 1), granule);
    CHECK(full.occupied == full.granules);
    CHECK(full.fill() == 1);
    const GranuleUse empty = granule_use(random_mask(7, 10, 0, 1), granule);
    CHECK(empty.occupied == 0);
    CHECK(empty.free_zeros() == 1);
  }
}

TEST_CASE("granules of a random mask are occupied as chance has it, and hold all that is stored") {
  const double density = 0.1;
  const Mask mask = random_mask(512, 512, density, 3);
  for (const Granule granule : {Granule{1, 8}, Granule{4, 4}, Granule{8, 2}}) {
    const GranuleUse use = granule_use(mask, granule);
    CHECK(use.share() == doctest::Approx(expected_share_at_random(mask, granule)).epsilon(0.02));
    CHECK(use.fill() * use.occupied_places == doctest::Approx(use.stored));
    CHECK(use.occupied == coarsen(mask, granule.rows, granule.columns).stored());
  }
  // Two of ten are stored; 1 - 0.8^8 for the granule of eight, 1 - 0.8^2 for the cut one of two.
  const Mask ten = drawn("#......#..\n");
  CHECK(expected_share_at_random(ten, {1, 8}) == doctest::Approx((1 - 0.16777216 + 1 - 0.64) / 2));
  CHECK(expected_share_at_random(ten, {4, 16}) == doctest::Approx(1 - 0.1073741824));  // 0.8^10
  CHECK(expected_share_at_random(random_mask(3, 3, 1, 1), {2, 2}) == 1);
}

TEST_CASE("rows: the fullest group over the mean, and how long rows wait for the longest") {
  const RowCounts counts{{4, 0, 2, 2}, 8};
  CHECK(row_balance(counts, 1).most_over_mean == doctest::Approx(2));
  CHECK(row_balance(counts, 1).waiting == doctest::Approx(0));
  CHECK(row_balance(counts, 2).most_over_mean == doctest::Approx(1));
  CHECK(row_balance(counts, 2).waiting == doctest::Approx(1 - 8.0 / 12));  // 2 x 4 + 2 x 2 slots for 8
  CHECK(row_balance(counts, 4).waiting == doctest::Approx(1 - 8.0 / 16));
  CHECK(row_balance({{0, 0}, 8}, 1).most_over_mean == 1);
}

TEST_CASE("N:M: groups that fit, and what would have to go") {
  const Mask rows = drawn(
      "##......\n"
      "###..#.#\n"
      "####.#..\n");
  const PatternFit fit = fit_n_of_m(rows, {2, 4});
  CHECK(fit.groups == 6);
  CHECK(fit.fitting == 4);
  CHECK(fit.dropped == 3);  // one of ###., two of ####
  CHECK(fit.stored == 12);
  CHECK(fit_n_of_m(rows, {4, 8}).dropped == 2);  // rows of 2, 5 and 5
  CHECK(fit_n_of_m(rows, {4, 4}).dropped == 0);
}

TEST_CASE("V:N:M: rows agree on four columns and keep two of them") {
  const Mask agreed = drawn(
      "##......\n"
      "..##....\n"
      "#..#....\n");
  CHECK(fit_v_n_m(agreed, 3, 8).dropped == 0);
  const Mask spread = drawn(
      "##......\n"
      "..##....\n"
      "#..##...\n");  // a fifth column, and a third weight in its row
  const PatternFit fit = fit_v_n_m(spread, 3, 8);
  CHECK(fit.dropped == 1);
  CHECK(fit.fitting == 0);
  CHECK(fit_v_n_m(spread, 1, 8).dropped == 1);
  CHECK(fit_v_n_m(spread, 2, 8).dropped == 1);
}

TEST_CASE("free rows and columns") {
  const FreeLines free = free_lines(drawn("#..#\n....\n#...\n"));
  CHECK(free.rows == 1);
  CHECK(free.columns == 2);
}

TEST_CASE("a window is a band that is nearly full") {
  const Band band =
      band_of(drawn("##...\n"
                    "###..\n"
                    ".###.\n"
                    "..###\n"
                    "...##\n"));
  CHECK(band.low == -1);
  CHECK(band.high == 1);
  CHECK(band.area == doctest::Approx(13.0 / 25));
  CHECK(band.fill == doctest::Approx(1));
  CHECK(band_of(drawn("...\n...\n")).area == 0);
}

TEST_CASE("rows of one block come together again after a shuffle") {
  Mask blocks{64, 256, {0}, {}};  // rows 0-7 use columns 0-15, rows 8-15 columns 16-31, ...
  for (std::int64_t row = 0; row < blocks.rows; ++row) {
    for (std::int32_t column = 0; column < 16; ++column)
      blocks.indices.push_back(static_cast<std::int32_t>(row / 8 * 16) + column);
    blocks.offsets.push_back(blocks.stored());
  }
  std::vector<std::int32_t> shuffled(64);
  for (std::size_t i = 0; i < shuffled.size(); ++i) shuffled[i] = static_cast<std::int32_t>(i * 37 % 64);
  const Mask mask = reorder_rows(blocks, shuffled);
  CHECK(granule_use(blocks, {8, 16}).fill() == doctest::Approx(1));
  CHECK(granule_use(mask, {8, 16}).fill() < 0.5);
  const auto order = order_of_similar_rows(mask, 16);
  CHECK(granule_use(reorder_rows(mask, order), {8, 16}).fill() == doctest::Approx(1));
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) CHECK(sorted[i] == static_cast<std::int32_t>(i));
}

}  // namespace sparsesim
