#pragma once
// What the shape of a curve says: pure functions of points, tested on synthetic ones.

#include <optional>
#include <vector>

namespace sparsesim::measure {

struct Point {
  double x = 0, y = 0;
};

/// The last x before a curve that starts low rises for good: past `times` times its lowest value.
///
/// points  x rising, at least two
/// returns nothing where it never does
std::optional<double> knee(const std::vector<Point>& points, double times);

/// Where a curve passes from one plateau to the next: x, between neighbours by proportion, at which y crosses the
/// geometric mean of `before` and `after` for the last time. Nothing where it does not cross.
std::optional<double> crossing(const std::vector<Point>& points, double before, double after);

/// Smallest y with low <= x <= high; nothing where no point lies there.
std::optional<double> lowest(const std::vector<Point>& points, double low, double high);

/// The granule of a cost that grows with size: the largest x whose cost is at most `tolerance` above that of the
/// smallest. Below it everything costs the same.
double flat_until(const std::vector<Point>& points, double tolerance);

/// Width of equal steps in a cost by size 1, 2, 3 ...: the period g of 2 to 32 for which a staircase that rises at
/// multiples of g, plus a constant, explains most of the variance that a straight line leaves. 1 where none explains
/// half of it.
int step_width(const std::vector<Point>& points);

}  // namespace sparsesim::measure
