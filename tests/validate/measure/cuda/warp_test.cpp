// Plays one warp of the attention kernel on the host, with ldmatrix and mma as the PTX ISA describes them.

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include "validate/measure/cuda/attention_tiles.h"
#include "validate/measure/cuda/host_device.h"
#include "validate/measure/cuda/mma_layout.h"

using namespace sparsesim::measure;

namespace {

constexpr int kWarp = 32;
using Pair = std::array<double, 2>;            // a register of two 16-bit elements
using Registers = std::array<Pair, 4>;         // of one lane
using WarpRegisters = std::vector<Registers>;  // [lane]
using Result = std::vector<std::array<double, 4>>;

/// A row-major matrix.
struct Matrix {
  int rows, columns;
  std::vector<double> values;
  Matrix(int r, int c) : rows(r), columns(c), values(static_cast<std::size_t>(r) * static_cast<std::size_t>(c)) {}
  double& at(int row, int column) { return values[static_cast<std::size_t>(row * columns + column)]; }
  double at(int row, int column) const { return values[static_cast<std::size_t>(row * columns + column)]; }
};

Matrix draw(int rows, int columns, std::uint64_t seed) {
  Matrix matrix(rows, columns);
  for (std::size_t i = 0; i < matrix.values.size(); ++i) matrix.values[i] = 2 * random_unit(seed, i) - 1;
  return matrix;
}

/// ldmatrix.x4: lane 8 i + r points to row r of matrix i; lane l gets two neighbours of row l / 4 of each matrix, or
/// with .trans of column l / 4.
WarpRegisters load_matrices(const Matrix& from, const std::array<Place, kWarp>& address, bool transposed) {
  WarpRegisters registers(kWarp);
  for (int lane = 0; lane < kWarp; ++lane)
    for (int i = 0; i < 4; ++i)
      for (int e = 0; e < 2; ++e) {
        const int row = transposed ? lane % 4 * 2 + e : lane / 4, column = transposed ? lane / 4 : lane % 4 * 2 + e;
        const Place start = address[static_cast<std::size_t>(8 * i + row)];
        registers[static_cast<std::size_t>(lane)][static_cast<std::size_t>(i)][static_cast<std::size_t>(e)] =
            from.at(start.row, start.column + column);
      }
  return registers;
}

/// mma.m16n8k16: group g = lane / 4, t = lane % 4.
void multiply(Result& c, const WarpRegisters& a, const WarpRegisters& b, int first_register) {
  Matrix left(16, 16), right(16, 8);
  for (int lane = 0; lane < kWarp; ++lane) {
    const int g = lane / 4, t = lane % 4;
    for (int e = 0; e < 2; ++e) {
      const auto& own = a[static_cast<std::size_t>(lane)];
      const auto index = static_cast<std::size_t>(e);
      left.at(g, 2 * t + e) = own[0][index];
      left.at(g + 8, 2 * t + e) = own[1][index];
      left.at(g, 2 * t + 8 + e) = own[2][index];
      left.at(g + 8, 2 * t + 8 + e) = own[3][index];
      right.at(2 * t + e, g) = b[static_cast<std::size_t>(lane)][static_cast<std::size_t>(first_register)][index];
      right.at(2 * t + 8 + e, g) =
          b[static_cast<std::size_t>(lane)][static_cast<std::size_t>(first_register) + 1][index];
    }
  }
  for (int lane = 0; lane < kWarp; ++lane)
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      for (int k = 0; k < 16; ++k)
        c[static_cast<std::size_t>(lane)][static_cast<std::size_t>(i)] += left.at(row, k) * right.at(k, column);
    }
}

template <class Address>
std::array<Place, kWarp> addresses(Address address, int row, int column) {
  std::array<Place, kWarp> places{};
  for (int lane = 0; lane < kWarp; ++lane) {
    const Place at = address(lane);
    places[static_cast<std::size_t>(lane)] = {row + at.row, column + at.column};
  }
  return places;
}

}  // namespace

TEST_CASE("a warp's scores are the products of its queries and the tile's keys") {
  const int D = 64;
  const Matrix q = draw(16, D, 1), keys = draw(kTileKeys, D, 2);
  std::vector<Result> scores(kTileKeys / 8, Result(kWarp));
  for (int d = 0; d < D / 16; ++d) {
    const auto a = load_matrices(q, addresses(address_a, 0, d * 16), false);
    for (int pair = 0; pair < kTileKeys / 16; ++pair) {
      const auto b = load_matrices(keys, addresses(address_b_by_columns, pair * 16, d * 16), false);
      multiply(scores[static_cast<std::size_t>(2 * pair)], a, b, 0);
      multiply(scores[static_cast<std::size_t>(2 * pair + 1)], a, b, 2);
    }
  }
  for (int column = 0; column < kTileKeys / 8; ++column)
    for (int lane = 0; lane < kWarp; ++lane)
      for (int i = 0; i < 4; ++i) {
        const Place at = result_place(lane, i);
        double wanted = 0;
        for (int d = 0; d < D; ++d) wanted += q.at(at.row, d) * keys.at(column * 8 + at.column, d);
        const auto& got = scores[static_cast<std::size_t>(column)][static_cast<std::size_t>(lane)];
        CHECK(got[static_cast<std::size_t>(i)] == doctest::Approx(wanted));
      }
}

TEST_CASE("weights in the places of results multiply values as operand A") {
  const int D = 64;
  const Matrix weights = draw(16, kTileKeys, 3), values = draw(kTileKeys, D, 4);
  std::vector<Result> out(D / 8, Result(kWarp));
  for (int step = 0; step < kTileKeys / 16; ++step) {
    WarpRegisters a(kWarp);  // as add_values() packs them: results 2 step and 2 step + 1
    for (int lane = 0; lane < kWarp; ++lane)
      for (int part = 0; part < 4; ++part)
        for (int e = 0; e < 2; ++e) {
          const Place at = result_place(lane, part % 2 * 2 + e);
          a[static_cast<std::size_t>(lane)][static_cast<std::size_t>(part)][static_cast<std::size_t>(e)] =
              weights.at(at.row, (2 * step + part / 2) * 8 + at.column);
        }
    for (int pair = 0; pair < D / 16; ++pair) {
      const auto b = load_matrices(values, addresses(address_b_by_rows, step * 16, pair * 16), true);
      multiply(out[static_cast<std::size_t>(2 * pair)], a, b, 0);
      multiply(out[static_cast<std::size_t>(2 * pair + 1)], a, b, 2);
    }
  }
  for (int d = 0; d < D; ++d)
    for (int row = 0; row < 16; ++row) {
      double wanted = 0;
      for (int key = 0; key < kTileKeys; ++key) wanted += weights.at(row, key) * values.at(key, d);
      for (int lane = 0; lane < kWarp; ++lane)
        for (int i = 0; i < 4; ++i) {
          const Place at = result_place(lane, i);
          if (at.row == row && at.column == d % 8)
            CHECK(out[static_cast<std::size_t>(d / 8)][static_cast<std::size_t>(lane)][static_cast<std::size_t>(i)] ==
                  doctest::Approx(wanted));
        }
    }
}

TEST_CASE("threads of a CTA copy every chunk of a tile once") {
  for (const int D : {64, 128}) {
    std::vector<int> met(static_cast<std::size_t>(kTileKeys * D / 8));
    for (int turn = 0; turn < kTileKeys * D / 8 / 128; ++turn)
      for (int thread = 0; thread < 128; ++thread) {
        const Place at = chunk_place(thread, 128, turn, D);
        CHECK(at.row < kTileKeys);
        CHECK(at.column + 8 <= D);
        ++met[static_cast<std::size_t>(at.row * D / 8 + at.column / 8)];
      }
    for (const int times : met) CHECK(times == 1);
  }
}

namespace {

/// A tile list says of each tile what its scores say one by one.
void check_tiles(const ScoreMask& mask, int queries) {
  const TileList list = list_tiles(mask, queries);
  for (int query_tile = 0; query_tile * kTileQueries < queries; ++query_tile) {
    std::vector<int> codes(static_cast<std::size_t>((mask.keys + kTileKeys - 1) / kTileKeys), -1);
    for (int entry = list.offsets[static_cast<std::size_t>(query_tile)];
         entry < list.offsets[static_cast<std::size_t>(query_tile) + 1]; ++entry)
      codes[static_cast<std::size_t>(list.entries[static_cast<std::size_t>(entry)] / 2)] =
          list.entries[static_cast<std::size_t>(entry)] % 2;
    for (int key_tile = 0; key_tile < static_cast<int>(codes.size()); ++key_tile) {
      int seen = 0, scores = 0;
      for (int q = query_tile * kTileQueries; q < std::min((query_tile + 1) * kTileQueries, queries); ++q)
        for (int k = key_tile * kTileKeys; k < (key_tile + 1) * kTileKeys; ++k) {
          ++scores;
          if (mask.sees(q, k)) ++seen;
        }
      const int wanted = seen == 0 ? -1 : (seen == scores ? 0 : 1);
      CHECK(codes[static_cast<std::size_t>(key_tile)] == wanted);
    }
  }
}

}  // namespace

TEST_CASE("tile lists leave out exactly the tiles that no query sees, and mark those to be masked") {
  for (const int seq : {1, 63, 64, 65, 200, 512})
    for (const bool causal : {true, false})
      for (const int window : {0, 1, 63, 64, 65, 130}) {
        ScoreMask mask{.keys = seq, .causal = causal, .window = window};
        check_tiles(mask, seq);
      }
  const int seq = 500, block = 128, side = (seq + block - 1) / block;
  std::vector<std::uint8_t> kept(static_cast<std::size_t>(side * side));
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = random_unit(5, i) < 0.5 ? 1 : 0;
  for (const bool causal : {true, false})
    check_tiles({.keys = seq, .causal = causal, .window = 0, .block = block, .kept = kept.data()}, seq);
}
