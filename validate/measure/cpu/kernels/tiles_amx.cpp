#if defined(__x86_64__)
#include <immintrin.h>

#include "validate/measure/cpu/kernels/tiles.h"

namespace sparsesim::measure {

namespace {

/// Operand of LDTILECFG (Intel SDM vol. 1, section 18.2): palette 1, and for each tile its rows and bytes of a row.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

/// Tiles 0 to 3 hold results [16, 16] fp32, 4 and 5 weights [16, inputs], 6 and 7 activations [inputs / 2, 16, 2].
void configure(int inputs) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = static_cast<std::uint8_t>(tile < 6 ? 16 : inputs / 2);
    config.row_bytes[tile] = static_cast<std::uint16_t>(tile < 4 || tile > 5 ? 64 : 2 * inputs);
  }
  // GCC 12 tells the compiler of 8 of the 64 bytes that the instruction reads: the others' stores must not be dropped.
  __asm__ volatile("" : : "m"(config) : "memory");
  _tile_loadconfig(&config);
}

/// One result tile, rounded to bf16.
void write(const float (&sums)[16][16], std::uint16_t* results, std::int64_t m) {
  for (int row = 0; row < 16; ++row) {
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_load_ps(sums[row]));
    __m256i bits;
    __builtin_memcpy(&bits, &rounded, sizeof bits);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(results + row * m), bits);
  }
}

struct TileRow {
  const TileMatrix& w;
  std::int64_t first, last, m;  // blocks; columns of activations
  int inputs;                   // of one instruction: 16 or 32
};

/// Weights and activations at which a step of a block's inputs begins.
template <class Step>
void for_steps(const TileRow& at, std::int64_t row, const std::uint16_t* x, const Step& step) {
  const std::int64_t width = at.w.width, size = at.w.height * width;
  for (std::int64_t block = at.first; block < at.last; ++block) {
    const std::uint16_t* weights = at.w.value + block * size + row * width;
    const std::uint16_t* activations = x + at.w.column[block] * width * at.m;
    for (std::int64_t k = 0; k < width; k += at.inputs) step(weights + k, activations + k * at.m);
  }
}

/// 32 rows by 32 columns: each tile of operands is used twice.
void square(const TileRow& at, std::int64_t row, const std::uint16_t* x, std::uint16_t* y) {
  const std::int64_t stride = at.w.width * 2, x_stride = at.m * 4, half = 16 * at.w.width;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for_steps(at, row, x, [&](const std::uint16_t* weights, const std::uint16_t* activations) {
    _tile_loadd(4, weights, stride);
    _tile_loadd(6, activations, x_stride);
    _tile_loadd(7, activations + 32, x_stride);
    _tile_loadd(5, weights + half, stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  });
  alignas(64) float sums[4][16][16];
  _tile_stored(0, sums[0], 64);
  _tile_stored(1, sums[1], 64);
  _tile_stored(2, sums[2], 64);
  _tile_stored(3, sums[3], 64);
  for (int tile = 0; tile < 4; ++tile) write(sums[tile], y + tile / 2 * 16 * at.m + tile % 2 * 16, at.m);
}

/// 16 rows by 32 columns.
void wide(const TileRow& at, std::int64_t row, const std::uint16_t* x, std::uint16_t* y) {
  const std::int64_t stride = at.w.width * 2, x_stride = at.m * 4;
  _tile_zero(0);
  _tile_zero(1);
  for_steps(at, row, x, [&](const std::uint16_t* weights, const std::uint16_t* activations) {
    _tile_loadd(4, weights, stride);
    _tile_loadd(6, activations, x_stride);
    _tile_loadd(7, activations + 32, x_stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
  });
  alignas(64) float sums[2][16][16];
  _tile_stored(0, sums[0], 64);
  _tile_stored(1, sums[1], 64);
  write(sums[0], y, at.m);
  write(sums[1], y + 16, at.m);
}

/// 16 rows by 16 columns.
void narrow(const TileRow& at, std::int64_t row, const std::uint16_t* x, std::uint16_t* y) {
  const std::int64_t stride = at.w.width * 2, x_stride = at.m * 4;
  _tile_zero(0);
  for_steps(at, row, x, [&](const std::uint16_t* weights, const std::uint16_t* activations) {
    _tile_loadd(4, weights, stride);
    _tile_loadd(6, activations, x_stride);
    _tile_dpbf16ps(0, 4, 6);
  });
  alignas(64) float sums[16][16];
  _tile_stored(0, sums, 64);
  write(sums, y, at.m);
}

}  // namespace

void multiply_tiles(const TileMatrix& w, const std::uint16_t* activations, std::uint16_t* results, const Part& part) {
  const int inputs = w.width < 32 ? 16 : 32;
  configure(inputs);
  for (std::int64_t block_row = part.first_row; block_row < part.last_row; ++block_row) {
    const TileRow at{w, w.start[block_row], w.start[block_row + 1], part.m, inputs};
    for (std::int64_t column = part.begin; column < part.begin + part.width; column += 32) {
      const bool whole = column + 32 <= part.begin + part.width;
      const std::uint16_t* x = activations + column * 2;
      for (std::int64_t row = 0; row < w.height;) {
        std::uint16_t* y = results + (block_row * w.height + row) * part.m + column;
        const bool two = whole && row + 32 <= w.height;
        if (two) {
          square(at, row, x, y);
        } else {
          whole ? wide(at, row, x, y) : narrow(at, row, x, y);
        }
        row += two ? 32 : 16;
      }
    }
  }
  _tile_release();
}

}  // namespace sparsesim::measure
#endif
