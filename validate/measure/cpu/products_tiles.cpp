#include "validate/measure/cpu/kernels/tiles.h"
#include "validate/measure/cpu/products_runners.h"

namespace sparsesim::measure {

namespace {

/// bf16 blocks by rows, activations in pairs of inputs [k / 2, m, 2], results [n, m].
struct TileOperands {
  TileMatrix shape;
  Buffer<std::int32_t> start, column;
  Buffer<std::uint16_t> value, activations;
  mutable Buffer<std::uint16_t> results;

  std::size_t bytes() const {
    return start.bytes() + column.bytes() + value.bytes() + activations.bytes() + results.bytes();
  }
  TileMatrix view() const {
    TileMatrix matrix = shape;
    matrix.start = start.data();
    matrix.column = column.data();
    matrix.value = value.data();
    return matrix;
  }
};

void fill_blocks(TileOperands& operands, const BlockPlaces& places, std::uint64_t seed) {
  std::copy(places.start.begin(), places.start.end(), operands.start.begin());
  std::copy(places.column.begin(), places.column.end(), operands.column.begin());
  std::int64_t at = 0;
  for (std::size_t i = 0; i + 1 < places.start.size(); ++i)
    for (std::int32_t block = places.start[i]; block < places.start[i + 1]; ++block)
      for (std::int64_t y = 0; y < places.height; ++y)
        for (std::int64_t x = 0; x < places.width; ++x, ++at) {
          const std::int64_t row = static_cast<std::int64_t>(i) * places.height + y;
          const std::int64_t column = places.column[static_cast<std::size_t>(block)] * places.width + x;
          store_element(DenseType::bf16, operands.value.data(), at,
                        random_element(DenseType::bf16, seed, row * places.columns + column));
        }
}

class TileRunner : public TimedRunner {
 public:
  TileRunner(BlockPlaces places, const ProductSizes& sizes, const CpuContext& context, std::uint64_t seed)
      : TimedRunner("tuned:bsr"), places_(std::move(places)), sizes_(sizes), context_(context), seed_(seed) {}

  double error() override {
    const TileOperands& operands = rotation().first();
    multiply(operands);
    const ElementAt x = [this](std::int64_t k, std::int64_t m) { return activation(k, m); };
    const ElementAt y = [&](std::int64_t n, std::int64_t m) {
      return load_result(DenseType::bf16, operands.results.data(), n * sizes_.m + m);
    };
    return product_error(sizes_, block_rows(places_, DenseType::bf16, seed_), x, y, seed_);
  }

 private:
  void call() override { multiply(rotation().next()); }

  void multiply(const TileOperands& operands) const {
    constexpr std::int64_t kPanel = 64;
    const TileMatrix w = operands.view();
    for_parts(w.rows / w.height, sizes_.m, kPanel, std::max<std::int64_t>(1, kChunkRows / w.height), context_.threads,
              [&](const Part& part) { multiply_tiles(w, operands.activations.data(), operands.results.data(), part); });
  }

  double activation(std::int64_t k, std::int64_t m) const {
    return random_element(DenseType::bf16, ~seed_, k * sizes_.m + m);
  }

  Rotation<TileOperands>& rotation() {
    if (!rotation_) {
      const auto count = [](std::int64_t rows, std::int64_t columns) {
        return static_cast<std::size_t>(rows * columns);
      };
      TileOperands operands{{places_.rows, places_.columns, places_.height, places_.width, nullptr, nullptr, nullptr},
                            Buffer<std::int32_t>(places_.start.size()),
                            Buffer<std::int32_t>(places_.column.size()),
                            Buffer<std::uint16_t>(places_.column.size() * count(places_.height, places_.width)),
                            Buffer<std::uint16_t>(count(sizes_.k, sizes_.m)),
                            Buffer<std::uint16_t>(count(sizes_.n, sizes_.m))};
      fill_blocks(operands, places_, seed_);
      for (std::int64_t k = 0; k < sizes_.k; ++k)
        for (std::int64_t m = 0; m < sizes_.m; ++m)
          store_element(DenseType::bf16, operands.activations.data(), (k / 2 * sizes_.m + m) * 2 + k % 2,
                        activation(k, m));
      const std::size_t bytes = operands.bytes();
      rotation_.emplace(std::move(operands), bytes, context_);
    }
    return *rotation_;
  }

  BlockPlaces places_;
  ProductSizes sizes_;
  CpuContext context_;
  std::uint64_t seed_;
  std::optional<Rotation<TileOperands>> rotation_;
};

}  // namespace

void check_tiles(const ProductSizes& sizes, std::int64_t height, std::int64_t width, const CpuContext& context) {
  const auto fits = [](std::int64_t size) { return size == 16 || size % 32 == 0; };
  if (!has_tiles(context)) throw NotHere("this processor has no bf16 matrix tiles");
  if (!fits(height) || !fits(width))
    throw NotHere("matrix tiles take blocks of 16 or multiples of 32 rows and columns");
  if (sizes.m % 16 != 0 || sizes.n % height != 0 || sizes.k % width != 0)
    throw NotHere("matrix tiles need m in sixteens and whole blocks");
}

std::unique_ptr<Runner> make_tile_runner(BlockPlaces places, const ProductSizes& sizes, const CpuContext& context,
                                         std::uint64_t seed) {
  return std::make_unique<TileRunner>(std::move(places), sizes, context, seed);
}

}  // namespace sparsesim::measure
