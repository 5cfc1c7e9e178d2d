#include "validate/measure/cpu/products_operands.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>

#include "validate/measure/cpu/timed_runner.h"

namespace sparsesim::measure {

namespace {

/// A hash of two numbers (the finaliser of SplitMix64 on their mix).
std::uint64_t mix(std::uint64_t seed, std::uint64_t place) {
  std::uint64_t z = seed * 0x9e3779b97f4a7c15ULL + place + 0x632be59bd9b4e019ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

double unit(std::uint64_t hash) { return static_cast<double>(hash >> 11) * 0x1p-53; }

/// Nearest bf16, ties to even, as its 16 bits; for numbers that are neither infinite nor NaN.
std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

/// The two kept places of a group of four: one of the six pairs.
std::array<int, 2> kept_of_four(std::uint64_t seed, std::int64_t group) {
  static constexpr std::array<std::array<int, 2>, 6> pairs = {{{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}}};
  return pairs[mix(seed ^ 0x24, static_cast<std::uint64_t>(group)) % pairs.size()];
}

float weight(std::uint64_t seed, std::int64_t place) {
  return static_cast<float>(random_element(DenseType::fp32, seed, place));
}

/// `count` of [0, size), or all of it in order.
std::vector<std::int64_t> sample(std::int64_t size, std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> taken(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto any = mix(seed, static_cast<std::uint64_t>(i)) % static_cast<std::uint64_t>(size);
    taken[static_cast<std::size_t>(i)] = count == size ? i : static_cast<std::int64_t>(any);
  }
  return taken;
}

}  // namespace

double random_element(DenseType type, std::uint64_t seed, std::int64_t place) {
  const std::uint64_t hash = mix(seed, static_cast<std::uint64_t>(place));
  if (type == DenseType::int8) return static_cast<double>(hash % 255) - 127;
  const auto value = static_cast<float>(2 * unit(hash) - 1);
  return type == DenseType::bf16 ? from_bf16(to_bf16(value)) : value;
}

void store_element(DenseType type, void* array, std::int64_t place, double value) {
  switch (type) {
    case DenseType::fp32:
      static_cast<float*>(array)[place] = static_cast<float>(value);
      break;
    case DenseType::bf16:
      static_cast<std::uint16_t*>(array)[place] = to_bf16(static_cast<float>(value));
      break;
    case DenseType::int8:
      static_cast<std::int8_t*>(array)[place] = static_cast<std::int8_t>(value);
      break;
  }
}

double load_result(DenseType type, const void* array, std::int64_t place) {
  switch (type) {
    case DenseType::bf16:
      return from_bf16(static_cast<const std::uint16_t*>(array)[place]);
    case DenseType::int8:
      return static_cast<const std::int32_t*>(array)[place];
    case DenseType::fp32:
      break;
  }
  return static_cast<const float*>(array)[place];
}

BlockPlaces draw_blocks(std::int64_t rows, std::int64_t columns, std::int64_t height, std::int64_t width,
                        double sparsity, std::uint64_t seed) {
  BlockPlaces places{rows, columns, height, width, {}, {}};
  const std::int64_t down = (rows + height - 1) / height, across = (columns + width - 1) / width;
  std::int64_t left = down * across;
  auto wanted = static_cast<std::int64_t>(std::llround((1 - sparsity) * static_cast<double>(left)));
  places.start.push_back(0);
  places.column.reserve(static_cast<std::size_t>(wanted));
  for (std::int64_t i = 0; i < down; ++i) {
    for (std::int64_t j = 0; j < across; ++j, --left) {  // Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S
      const double draw = unit(mix(seed ^ 0x5, static_cast<std::uint64_t>(i * across + j)));
      if (draw * static_cast<double>(left) >= static_cast<double>(wanted)) continue;
      places.column.push_back(static_cast<std::int32_t>(j));
      --wanted;
    }
    places.start.push_back(static_cast<std::int32_t>(places.column.size()));
  }
  return places;
}

BlockWeights::BlockWeights(const BlockPlaces& p, std::uint64_t seed)
    : shape{p.rows, p.columns, p.height, p.width, nullptr, nullptr, nullptr},
      start(p.start.size()),
      column(p.column.size() + kSlack),
      value(p.column.size() * static_cast<std::size_t>(p.height * p.width) + kSlack) {
  std::copy(p.start.begin(), p.start.end(), start.begin());
  std::copy(p.column.begin(), p.column.end(), column.begin());
  float* next = value.begin();
  for (std::size_t i = 0; i + 1 < p.start.size(); ++i)
    for (std::int32_t block = p.start[i]; block < p.start[i + 1]; ++block)
      for (std::int64_t x = 0; x < p.width; ++x)
        for (std::int64_t y = 0; y < p.height; ++y, ++next) {
          const std::int64_t r = static_cast<std::int64_t>(i) * p.height + y;
          const std::int64_t c = p.column[static_cast<std::size_t>(block)] * p.width + x;
          if (r < p.rows && c < p.columns) *next = weight(seed, r * p.columns + c);
        }
}

BlockMatrix BlockWeights::view() const {
  BlockMatrix matrix = shape;
  matrix.start = start.data();
  matrix.column = column.data();
  matrix.value = value.data();
  return matrix;
}

TwoOfFourWeights::TwoOfFourWeights(std::int64_t rows, std::int64_t columns, std::uint64_t seed)
    : shape{rows, columns, (columns + 7) / 8, nullptr, nullptr},
      places(static_cast<std::size_t>(rows * shape.distance)),
      value(static_cast<std::size_t>(rows * columns / 2)) {
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t i = 0; i < columns / 2; ++i) {
      const int place = kept_of_four(seed, (row * columns + 2 * i) / 4)[static_cast<std::size_t>(i % 2)];
      const auto at = static_cast<std::size_t>(row * shape.distance + i / 4);
      places[at] = static_cast<std::uint8_t>(places[at] | place << (i % 4 * 2));
      value[static_cast<std::size_t>(row * columns / 2 + i)] = weight(seed, row * columns + i / 2 * 4 + place);
    }
}

TwoOfFourMatrix TwoOfFourWeights::view() const {
  TwoOfFourMatrix matrix = shape;
  matrix.places = places.data();
  matrix.value = value.data();
  return matrix;
}

WeightRows dense_rows(const ProductSizes& sizes, std::uint64_t seed) {
  return [sizes, seed](std::int64_t row) {
    WeightRow all;
    for (std::int64_t c = 0; c < sizes.k; ++c) all.emplace_back(c, random_element(sizes.type, seed, row * sizes.k + c));
    return all;
  };
}

WeightRows block_rows(BlockPlaces drawn, DenseType type, std::uint64_t seed) {
  return [places = std::make_shared<const BlockPlaces>(std::move(drawn)), type, seed](std::int64_t row) {
    WeightRow stored;
    const auto at = static_cast<std::size_t>(row / places->height);
    for (std::int32_t block = places->start[at]; block < places->start[at + 1]; ++block) {
      const std::int64_t first = places->column[static_cast<std::size_t>(block)] * places->width;
      for (std::int64_t c = first; c < std::min(first + places->width, places->columns); ++c)
        stored.emplace_back(c, random_element(type, seed, row * places->columns + c));
    }
    return stored;
  };
}

WeightRows two_of_four_rows(std::int64_t columns, std::uint64_t seed) {
  return [columns, seed](std::int64_t row) {
    WeightRow stored;
    for (std::int64_t group = 0; group < columns / 4; ++group)
      for (const int place : kept_of_four(seed, row * columns / 4 + group))
        stored.emplace_back(group * 4 + place, weight(seed, row * columns + group * 4 + place));
    return stored;
  };
}

double product_error(const ProductSizes& sizes, const WeightRows& weights, const ElementAt& x, const ElementAt& y,
                     std::uint64_t seed) {
  constexpr std::int64_t kSample = 4096;
  const std::int64_t rows = std::min(sizes.n, std::max<std::int64_t>(256, (kSample + sizes.m - 1) / sizes.m));
  const std::int64_t columns = std::min(sizes.m, (kSample + rows - 1) / rows);
  LargestError error(1);
  for (const std::int64_t row : sample(sizes.n, rows, seed ^ 0x11)) {
    const WeightRow stored = weights(row);
    for (const std::int64_t column : sample(sizes.m, columns, seed ^ 0x22 ^ static_cast<std::uint64_t>(row))) {
      double reference = 0, magnitude = 0;
      for (const auto& [input, value] : stored) {
        const double term = value * x(input, column);
        reference += term;
        magnitude += std::abs(term);
      }
      const double relative = sizes.type == DenseType::bf16 ? 1e-2 : 1e-5;
      // A row without weights is zero, exactly.
      const double tolerance = sizes.type == DenseType::int8 ? 0.5 : std::max(relative * magnitude, 1e-30);
      error.compare(y(row, column) / tolerance, reference / tolerance);
    }
  }
  return error.largest();
}

}  // namespace sparsesim::measure
