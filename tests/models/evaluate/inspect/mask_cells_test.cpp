#include "models/evaluate/inspect/mask_cells.h"

#include <doctest/doctest.h>

#include "tests/models/sparsity/drawn_mask.h"

namespace sparsesim {
namespace {

/// "row:column+length" for each run.
std::string text(const std::vector<CellRun>& runs) {
  std::string out;
  for (const CellRun& run : runs)
    out += std::to_string(run.row) + ":" + std::to_string(run.column) + "+" + std::to_string(run.length) + " ";
  return out;
}

const char* const kPicture =
    "####....\n"
    "####....\n"
    "..#.....\n"
    "........\n"
    "......##\n";

}  // namespace

TEST_CASE("cells have the density of their places, also where the edge cuts them") {
  const DensityMap map = density_map(drawn(kPicture), 4, 4);
  CHECK(map.tall == 2);  // five rows in at most four cells
  CHECK(map.wide == 2);
  CHECK(map.rows == 3);
  CHECK(map.columns == 4);
  CHECK(map.most == doctest::Approx(1));
  CHECK(text(map.runs[3]) == "0:0+2 2:3+1 ");  // full; the last is one row high
  CHECK(text(map.runs[0]) == "1:1+1 ");        // one of four
  CHECK(map.runs[1].empty());
}

TEST_CASE("levels are shares of the fullest cell; an empty mask has no runs") {
  const DensityMap map = density_map(drawn("#...\n....\n....\n....\n"), 1, 4);
  CHECK(map.most == doctest::Approx(1.0 / 16));
  CHECK(text(map.runs[3]) == "0:0+1 ");
  for (const auto& runs : density_map(drawn("....\n"), 2, 4).runs) CHECK(runs.empty());
}

TEST_CASE("the part shown is the first with the mean density") {
  const Part part = typical_part(drawn("####....\n"
                                       "####....\n"
                                       "....#.#.\n"  // two rows of this band hold four places: the mean
                                       "....##..\n"
                                       "........\n"
                                       "........\n"),
                                 2);
  CHECK(part.row == 2);
  CHECK(part.rows == 2);
  CHECK(part.column == 6);  // stripes of 0, 0, 3 and 1 places: the mean is 1
}

TEST_CASE("a part is no larger than its mask") {
  const Part part = typical_part(drawn("#.#\n"), 128);
  CHECK(part.rows == 1);
  CHECK(part.columns == 3);
  CHECK(text(stored_runs(drawn("#.#\n"), part)) == "0:0+1 0:2+1 ");
}

TEST_CASE("stored and free runs of a part, from its corner on") {
  const Mask mask = drawn(kPicture);
  const Part part{1, 2, 3, 5};
  CHECK(text(stored_runs(mask, part)) == "0:0+2 1:0+1 ");
  // Granules of 1 x 4: row 1 uses the first, row 2 too, row 3 none.
  CHECK(text(free_runs(mask, part, {1, 4})) == "0:2+3 1:2+3 2:0+5 ");
  CHECK(free_runs(mask, part, {8, 8}).empty());
}

}  // namespace sparsesim
