#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "models/ops/products/spgemm_dataflows.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// Stored places of a row that lie in one slab of `width` columns.
struct Segment {
  std::int64_t slab = 0;
  std::int64_t count = 0;
};
template <typename Take>
void each_segment(std::span<const std::int32_t> places, std::int64_t width, Take&& take) {
  for (std::size_t next = 0; next < places.size();) {
    Segment segment{places[next] / width, 0};
    for (; next < places.size() && places[next] / width == segment.slab; ++next) ++segment.count;
    take(segment);
  }
}

/// How many rows have how many stored places in each slab of their columns, and what it takes to intersect one more
/// list with all of them.
class SlabLists {
 public:
  SlabLists(const Mask& rows, std::int64_t width) : counts_(at(ceil_div(rows.columns, width))), skips_(counts_.size()) {
    for (std::int64_t row = 0; row < rows.rows; ++row)
      each_segment(rows.row(row), width, [&](const Segment& segment) { ++counts_[at(segment.slab)][segment.count]; });
  }
  /// Steps of all intersections of a list of `count` with the lists of a slab.
  double skips(const Segment& segment) {
    const auto [known, fresh] = skips_[at(segment.slab)].try_emplace(segment.count, 0);
    if (fresh)
      for (const auto& [count, lists] : counts_[at(segment.slab)])
        known->second += lists * expected_skips(real(segment.count), real(count));
    return known->second;
  }

 private:
  std::vector<std::map<std::int64_t, double>> counts_;  // lists by length, of each slab
  std::vector<std::map<std::int64_t, double>> skips_;   // what was asked for before
};

/// Sides of what the shared buffer keeps at a time; 0 of the library: all.
struct KeptSides {
  std::int64_t rows, depth, columns;
  KeptSides(const SpgemmConstants& constants, const SpgemmSize& size)
      : rows(side(constants.rows_most, size.m)),
        depth(side(constants.depth_most, size.k)),
        columns(side(constants.columns_most, size.n)) {}

 private:
  static std::int64_t side(double most, std::int64_t all) {
    return most > 0 ? std::min(all, static_cast<std::int64_t>(most)) : all;
  }
};

/// Bytes of A or B with the coordinates of their tiles and of the lists in them.
double tiled_bytes(const Mask& by_lists, const Mask& tiles, double entry, const SpgemmConstants& constants,
                   const Ideal& ideal) {
  const double numbers = real(by_lists.stored()) * entry;
  if (ideal.metadata) return numbers;
  double segments = 0;
  for (std::int64_t row = 0; row < by_lists.rows; ++row)
    each_segment(by_lists.row(row), static_cast<std::int64_t>(constants.tile), [&](const Segment&) { segments += 1; });
  return numbers + segments * constants.segment_bytes + real(tiles.stored()) * constants.tile_bytes;
}

/// Of the kept tiles of B, the part that finds no room: brought again for every further slab of rows.
double overflow_bytes(const Mask& b, const KeptSides& kept, double bytes_per_number, double room) {
  const std::int64_t across = ceil_div(b.columns, kept.columns);
  std::vector<double> numbers(at(ceil_div(b.rows, kept.depth) * across));
  for (std::int64_t k = 0; k < b.rows; ++k)
    for (const std::int32_t column : b.row(k)) numbers[at(k / kept.depth * across + column / kept.columns)] += 1;
  double overflow = 0;
  for (const double tile : numbers) overflow += std::max(0.0, tile * bytes_per_number - room);
  return overflow;
}

/// A row of A after the other, with its share of the operands' bytes.
class TilePieces {
 public:
  TilePieces(const SpgemmSize& size, const SpgemmOperands& operands, const SpgemmConstants& constants,
             const LowerContext& context)
      : operands_(operands),
        constants_(constants),
        tile_(static_cast<std::int64_t>(constants.tile)),
        intersects_(!context.ideal.metadata),
        kept_(constants, size),
        columns_(operands.b_columns()),
        a_tiles_(coarsen(operands.a(), tile_, tile_)),
        b_tiles_(coarsen(columns_, tile_, tile_)),
        lists_(columns_, tile_),
        tile_lists_(b_tiles_, std::max<std::int64_t>(1, kept_.depth / tile_)),
        brought_(operands.brought(round_up(kept_.depth, tile_), tile_)) {
    const double entry = entry_bytes(constants, size, context.ideal);
    result_bytes_ = entry + (context.ideal.metadata ? 0 : constants.index_bytes);  // with its row, too
    const double a = tiled_bytes(operands.a(), a_tiles_, entry, constants, context.ideal);
    const double b = tiled_bytes(columns_, b_tiles_, entry, constants, context.ideal);
    const double room = shared_l2_bytes(context.substrate.memory) * constants.held_share;
    const double numbers = std::max(1.0, real(operands.a().stored()));
    const double again = overflow_bytes(operands.b(), kept_, b / std::max(1.0, real(columns_.stored())), room);
    const double slabs_of_rows = real(ceil_div(size.m, kept_.rows)),
                 slabs_of_columns = real(ceil_div(size.n, kept_.columns));
    read_per_number_ = (a * slabs_of_columns + b + again * (slabs_of_rows - 1)) / numbers;
  }

  template <typename Take>
  void each(Take&& take) {
    for (std::int64_t row = 0; row < operands_.a().rows; ++row) {
      if (row % tile_ == 0) tile_skips_ = intersects_ ? skips_of_tiles(row / tile_) : 0;
      take(piece(row));
    }
  }

 private:
  SpgemmPiece piece(std::int64_t row) {
    const auto places = operands_.a().row(row);
    SpgemmPiece piece;
    piece.products = piece.issued = real(operands_.counts().row_products[at(row)]);
    double skips = 0;
    if (intersects_) each_segment(places, tile_, [&](const Segment& segment) { skips += lists_.skips(segment); });
    // Coordinates run ahead of the multiplications, through queues between them.
    piece.cycles =
        std::max(piece.products * constants_.element_cycles, std::max(skips, tile_skips_) * constants_.skip_cycles);
    const std::int64_t rows = std::min(tile_, operands_.a().rows - row / tile_ * tile_);  // that share a tile's results
    const double again = real((*brought_)[at(row / tile_)]) / real(rows) * result_bytes_;
    piece.read = piece.lines = real(static_cast<std::int64_t>(places.size())) * read_per_number_ + again;
    piece.store = real(operands_.counts().row_results[at(row)]) * result_bytes_ + again;
    return piece;
  }
  /// Intersections of the lists of tiles of a row of tiles with those of every column of tiles, for one of its rows.
  double skips_of_tiles(std::int64_t row) {
    double skips = 0;
    each_segment(a_tiles_.row(row), std::max<std::int64_t>(1, kept_.depth / tile_),
                 [&](const Segment& segment) { skips += tile_lists_.skips(segment); });
    return skips / real(std::min(tile_, operands_.a().rows - row * tile_));
  }

  const SpgemmOperands& operands_;
  const SpgemmConstants& constants_;
  const std::int64_t tile_;
  const bool intersects_;
  const KeptSides kept_;
  const Mask& columns_;           // of B, as rows
  const Mask a_tiles_, b_tiles_;  // stored tiles of A and of these
  SlabLists lists_, tile_lists_;  // of numbers in a tile's depth, of tiles in what is kept of the depth
  std::shared_ptr<const std::vector<std::int64_t>> brought_;
  double result_bytes_ = 0, read_per_number_ = 0, tile_skips_ = 0;
};

}  // namespace

double expected_skips(double a, double b) { return a > 0 && b > 0 ? std::max(1.0, 2 * a * b / (a + b)) : 0; }

Program lower_spgemm_tiles(const SpgemmSize& size, const SpgemmOperands& operands, const Kernel& kernel,
                           const LowerContext& context) {
  const SpgemmConstants constants = spgemm_constants(kernel);
  TilePieces pieces(size, operands, constants, context);
  return one_launch(pieces, kernel, constants, size, context);
}

}  // namespace sparsesim
