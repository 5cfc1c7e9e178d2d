#pragma once
// Rows that embedding bags name, drawn on the host.

#include <cstdint>
#include <string_view>
#include <vector>

namespace sparsesim::measure {

/// `count` rows of `rows`: "uniform", or "zipf:A" with P(rank r) falling as r^-A and ranks scattered over the table.
/// Errors: NotHere for other texts.
std::vector<std::int64_t> draw_lookups(std::string_view indices, std::int64_t count, std::int64_t rows,
                                       std::uint64_t seed);

/// For each row the bags that name it: places [rows + 1] and bags [lookups].
struct BagsOfRows {
  std::vector<std::int64_t> begin;
  std::vector<std::int32_t> bag;
};
BagsOfRows bags_of_rows(const std::vector<std::int64_t>& lookups, std::int64_t pooling, std::int64_t rows);

}  // namespace sparsesim::measure
