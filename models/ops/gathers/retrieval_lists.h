#pragma once
// Inverted lists: how many vectors each has, and which ones queries probe.

#include <cstdint>
#include <vector>

namespace sparsesim {

/// Vectors of each of `lists` lists, the largest first: list i gets a share ~ i^-skew of them. They sum to `vectors`.
std::vector<std::int64_t> list_sizes(std::int64_t vectors, std::int64_t lists, double skew);

/// Lists that each query probes, [queries, probes], row by row: without repeats, each with a chance in proportion to
/// its size, as queries that lie where the vectors lie would. probes <= sizes.size().
std::vector<std::uint32_t> sample_probes(const std::vector<std::int64_t>& sizes, std::int64_t queries,
                                         std::int64_t probes, std::uint64_t seed);

}  // namespace sparsesim
