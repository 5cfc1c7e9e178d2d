#include "models/ops/weights/stored_bytes.h"

#include <algorithm>
#include <cmath>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/weights/spmm_kernels.h"

namespace sparsesim {
namespace {

/// Of every M columns N are stored: a share of the places, each value with `place` bytes, and `rest` bytes beside them.
StoredBytes share_of(const SpmmSize& size, double share, double place, double rest = 0) {
  const double places = static_cast<double>(size.n) * static_cast<double>(size.k) * share;
  return {places * weight_bytes(operand_types(size.dtype).weights), places * place + rest};
}

StoredBytes n_of_m_bytes(const SpmmSize& size) {
  const double two_bits = two_of_four_place_bytes(operand_types(size.dtype).activations);
  if (size.pattern == "vnm") {  // a byte per column walked, 4 of M, and block of V rows
    const double walked = 4.0 / size.n_of * static_cast<double>(size.k);
    return share_of(size, static_cast<double>(size.n_kept) / size.n_of, two_bits,
                    walked * static_cast<double>(size.n) / static_cast<double>(size.block_n));
  }
  const double share = static_cast<double>(size.n_kept) / size.n_of;
  const bool whole_fours = size.n_kept == 2 && size.n_of == 4;
  return share_of(size, share, whole_fours ? two_bits : std::ceil(std::log2(size.n_of)) / 8);
}

/// Units that are stored; blocked_ell stores as many in every row as the longest has.
double stored_units(const SpmmSize& size, double units) {
  if (size.mask.units.empty()) return units * (1 - size.sparsity);
  if (size.format != "blocked_ell") return static_cast<double>(size.mask.total());
  const auto longest = *std::max_element(size.mask.units.begin(), size.mask.units.end());
  return static_cast<double>(longest) * static_cast<double>(size.mask.units.size());
}

}  // namespace

double two_of_four_place_bytes(const std::string& type) {
  const double bytes = element_bytes(type);
  if (bytes >= 4) return 0.5;
  return bytes < 1 ? 0.125 : 0.25;
}

StoredBytes stored_bytes(const SpmmSize& size) {
  if (is_n_of_m(size.pattern)) return n_of_m_bytes(size);
  const double rows = static_cast<double>(size.n) / static_cast<double>(size.block_n);
  const double columns = static_cast<double>(size.k) / static_cast<double>(size.block_k);
  const double units = stored_units(size, rows * columns);
  const double value = unit_bytes(size, {}, 1, {.metadata = true});  // of one unit, without its place
  if (size.format == "bitmap") return {units * value, rows * columns / 8};
  SpmmConstants format;
  if (size.format == "tiled") format.index_bytes = 2;
  if (size.format == "coo") format.coordinates = 2;
  const bool offsets = size.format != "tiled" && size.format != "coo" && size.format != "blocked_ell";
  const double lines = size.format == "csc" ? columns : rows;
  const double unit = unit_bytes(size, format, units / (rows * columns), {});
  return {units * value, units * (unit - value) + (offsets ? lines * format.row_bytes : 0)};
}

}  // namespace sparsesim
