#include "validate/measure/cpu/fingerprint/levels.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "validate/measure/cpu/bytes.h"

namespace sparsesim::measure {
namespace {

/// The size that the system names, where the knee says as much: a cache is full a little below its size, as other lines
/// are there, too. The knee itself where cores share a cache.
double confirmed(double knee, const std::vector<double>& named) {
  for (const double size : named)
    if (knee <= size && knee >= 0.6 * size) return size;
  return knee;
}

/// Sizes of the data caches of a core, as the system names them.
std::vector<double> named_caches() {
  std::vector<double> sizes;
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    std::string type;
    double kib = 0;
    if (!(std::ifstream(folder + "type") >> type) || !(std::ifstream(folder + "size") >> kib)) continue;
    if (type != "Instruction") sizes.push_back(kib * kKiB);
  }
  return sizes;
}

}  // namespace

std::vector<Point> points(const Sampler& sampler, const std::string& curve) {
  std::vector<Point> out;
  for (const double x : sampler.places(curve)) out.push_back({x, sampler.at(curve, x).value});
  return out;
}

Spread nearest(const Sampler& sampler, const std::string& curve, double x) {
  Spread best;
  double distance = -1;
  for (const double place : sampler.places(curve)) {
    const double d = std::abs(std::log((place + 1e-9) / (x + 1e-9)));
    if (distance >= 0 && d >= distance) continue;
    distance = d;
    best = sampler.at(curve, place);
  }
  return best;
}

// Private capacities are the last footprints before latency rises, 1.6 times from the nearest cache, 2 times from the
// next. The shared one is found by streams: chases are so slow that others evict what they have read.
Levels find_levels(const Bench& bench, const Sampler& sampler) {
  Levels found;
  const auto curve = points(sampler, "latency_all");
  const std::vector<double> named = named_caches();
  found.l1 = confirmed(knee(curve, 1.6).value_or(32 * kKiB), named);
  const double next = nearest(sampler, "latency_all", 4 * found.l1).value;
  std::vector<Point> beyond;
  for (const Point& p : curve)
    if (p.x >= 4 * found.l1) beyond.push_back({p.x, std::max(p.y, next)});
  found.mid = confirmed(knee(beyond, 2).value_or(4 * found.l1), named);
  const auto stream = points(sampler, "read_all");
  const double shared = lowest(stream, 2 * found.mid, 8 * found.mid).value_or(0);
  const double dram = stream.empty() ? 0 : stream.back().y;
  const auto crossed = shared > 0 && dram > 1.15 * shared ? crossing(stream, shared, dram) : std::nullopt;
  const auto named_last = static_cast<double>(bench.context.last_cache_bytes);
  found.shared = crossed ? std::min(named_last, std::floor(*crossed / kKiB) * kKiB * bench.team.size()) : named_last;
  return found;
}

Spread bytes_per_cycle(const Bench& bench, const Sampler& s, double footprint) {
  return scaled(ratio(s.at("clock_vector"), nearest(s, "read_all", footprint)), 1.0 / bench.team.size());
}

double fill_granule(const Sampler& s) {
  const std::string curve = s.places("random_256mb").empty() ? "random_64mb" : "random_256mb";
  std::vector<Point> lines;
  for (const Point& p : points(s, curve))
    if (p.x >= 64) lines.push_back(p);
  return std::max(64.0, flat_until(lines, 0.25));
}

}  // namespace sparsesim::measure
