#include "validate/measure/cpu/fingerprint/knees.h"

#include <algorithm>
#include <cmath>

namespace sparsesim::measure {
namespace {

/// Sum of squares that the best line a + b u(x) leaves.
template <class Axis>
double residual(const std::vector<Point>& points, Axis u) {
  double su = 0, sy = 0, suu = 0, suy = 0, syy = 0;
  const auto n = static_cast<double>(points.size());
  for (const Point& p : points) {
    const double x = u(p.x);
    su += x;
    sy += p.y;
    suu += x * x;
    suy += x * p.y;
    syy += p.y * p.y;
  }
  const double vu = suu - su * su / n, vuy = suy - su * sy / n, vy = syy - sy * sy / n;
  return vu > 0 ? vy - vuy * vuy / vu : vy;
}

}  // namespace

std::optional<double> knee(const std::vector<Point>& points, double times) {
  if (points.size() < 2) return std::nullopt;
  double low = points.front().y;
  for (const Point& p : points) low = std::min(low, p.y);
  // From the end back: a single disturbed point on the low side is no knee.
  std::optional<double> last;
  for (std::size_t i = points.size(); i-- > 0;) {
    if (points[i].y <= times * low) {
      last = points[i].x;
      break;
    }
  }
  if (!last || *last == points.back().x) return std::nullopt;
  return last;
}

std::optional<double> crossing(const std::vector<Point>& points, double before, double after) {
  const double middle = std::sqrt(before * after);
  for (std::size_t i = points.size(); i-- > 1;) {
    const Point &a = points[i - 1], &b = points[i];
    if ((a.y - middle) * (b.y - middle) > 0 || a.y == b.y) continue;
    return a.x + (b.x - a.x) * (middle - a.y) / (b.y - a.y);
  }
  return std::nullopt;
}

std::optional<double> lowest(const std::vector<Point>& points, double low, double high) {
  std::optional<double> best;
  for (const Point& p : points)
    if (p.x >= low && p.x <= high && (!best || p.y < *best)) best = p.y;
  return best;
}

double flat_until(const std::vector<Point>& points, double tolerance) {
  double last = points.empty() ? 0 : points.front().x;
  for (const Point& p : points) {
    if (p.y > (1 + tolerance) * points.front().y) break;
    last = p.x;
  }
  return last;
}

int step_width(const std::vector<Point>& points) {
  if (points.size() < 8) return 1;
  const double line = residual(points, [](double x) { return x; });
  int best = 1;
  double least = 0.5 * line;
  for (int g = 2; g <= 32; ++g) {
    const double left = residual(points, [g](double x) { return std::ceil(x / g); });
    if (left < least) {
      least = left;
      best = g;
    }
  }
  return best;
}

}  // namespace sparsesim::measure
