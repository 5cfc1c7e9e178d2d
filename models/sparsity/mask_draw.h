#pragma once
// Masks drawn from a law: what stands in for a matrix that is not at hand.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "models/sparsity/mask.h"

namespace sparsesim {

/// A law with its parameters; those of other laws are ignored.
struct MaskLaw {
  std::string name = "uniform";  // a name of mask_laws()
  double row_exponent = 0.5;     // power_law: row i is chosen with probability ~ (i + 1)^-exponent, and so columns
  double column_exponent = 0.5;
  double corner = 0.57;  // rmat: shares of the upper left, upper right and lower left quarter; the rest is the last one
  double beside = 0.19;  // Graph500's by default
  double below = 0.19;
  std::int64_t band = 16;  // banded: columns on either side of the diagonal
  bool shuffled = false;   // rows and columns are put into another order, the same one for as many of either
};

/// uniform, power_law, rmat, banded.
std::span<const std::string_view> mask_laws();

/// What is drawn at most: 8 bytes per place while it is drawn.
inline constexpr std::int64_t kDrawnPlacesMost = std::int64_t{1} << 24;

/// A mask of rows x columns with `stored` different places, drawn one after the other until there are as many; fewer
/// where the law hardly offers that many (16 draws per place are made at most, or the band is full).
///
/// rmat: each draw goes down the levels of quarters of a square of 2^n (Chakrabarti, Zhan, Faloutsos, SDM 2004), whose
/// places are then scaled to rows x columns.
/// power_law: rows and columns are drawn apart (Chung, Lu, PNAS 99 (25), 2002); the most popular come first in both.
/// 0 <= stored <= kDrawnPlacesMost, sides as mask_size_problem() allows them.
Mask draw_mask(const MaskLaw& law, std::int64_t rows, std::int64_t columns, std::int64_t stored, std::uint64_t seed);

}  // namespace sparsesim
