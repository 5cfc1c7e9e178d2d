#include "validate/measure/cpu/fingerprint/loops.h"

#ifdef __AMX_TILE__
#include <immintrin.h>
#include <time.h>

namespace sparsesim::measure {
namespace {

struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t bytes_per_row[16] = {};
  std::uint8_t rows[16] = {};
};

/// Tiles 0 to 3 hold sums [rows, columns], 4 and 5 rows of A, 6 and 7 rows of B (pairs or fours of the depth).
TileShapes shapes(int rows, int columns, int depth_bytes) {
  TileShapes s;
  for (int tile = 0; tile < 8; ++tile) {
    const bool of_b = tile >= 6, of_a = tile == 4 || tile == 5;
    s.rows[tile] = static_cast<std::uint8_t>(of_b ? depth_bytes / 4 : rows);
    s.bytes_per_row[tile] = static_cast<std::uint16_t>(of_a ? depth_bytes : 4 * columns);
  }
  return s;
}

double seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void begin(int rows, int columns, int depth_bytes) {
  const TileShapes s = shapes(rows, columns, depth_bytes);
  asm volatile("" ::"m"(s) : "memory");  // g++ 12 takes 8 bytes of the shapes as read; the rest must be stored, too
  _tile_loadconfig(&s);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
}

/// Seconds of `count` products, four at a time: of rows 4 and 5 with columns 6 and 7, into sums 0 to 3.
template <class FourProducts>
double time_products(int rows, int columns, int depth_bytes, long count, FourProducts four) {
  begin(rows, columns, depth_bytes);
  const double start = seconds();
  for (long i = 0; i < count; i += 4) four();
  const double took = seconds() - start;
  _tile_release();
  return took;
}

}  // namespace

double tile_products(int rows, int columns, int depth_bytes, long count) {
  return time_products(rows, columns, depth_bytes, count, [] {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  });
}

double tile_products_int8(int rows, int columns, int depth_bytes, long count) {
  return time_products(rows, columns, depth_bytes, count, [] {
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 6);
    _tile_dpbssd(3, 5, 7);
  });
}

}  // namespace sparsesim::measure
#else
namespace sparsesim::measure {
double tile_products(int, int, int, long) { return -1; }
double tile_products_int8(int, int, int, long) { return -1; }
}  // namespace sparsesim::measure
#endif
