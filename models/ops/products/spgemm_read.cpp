#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "models/ops/products/spgemm.h"
#include "models/ops/row_map.h"
#include "models/sparsity/formats/mask_formats.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// A mask of rows x columns beside the workload. Null: a mistake was reported.
std::shared_ptr<const Mask> read_operand(config::MapReader& map, const char* key, const std::string& name,
                                         std::int64_t rows, std::int64_t columns) {
  try {
    const auto folder = std::filesystem::path(map.node().position().file).parent_path();
    auto mask = std::make_shared<const Mask>(read_mask(parse_mask_name((folder / name).string())));
    if (mask->rows == rows && mask->columns == columns) return mask;
    map.mistake(key,
                fmt::format("{} is {} x {}; the operand is {} x {}", name, mask->rows, mask->columns, rows, columns));
  } catch (const config::ConfigError& error) {
    map.mistake(key, fmt::format("{}: {}", name, error.brief()), error.mistakes().front().hint);
  }
  return nullptr;
}

/// The parameters of the law; of every law where there is nothing at all (the schema's map).
void read_law(config::MapReader& map, MaskLaw& law) {
  const bool all = !map.has("m");
  law.name = map.choice("law", mask_laws(), "uniform");
  const auto share = config::Range::between(0, 1);
  law.shuffled = map.boolean("shuffled", false);
  if (all || law.name == "power_law") {
    law.row_exponent = map.number("row_exponent", config::Range::between(0, 8), law.row_exponent);
    law.column_exponent = map.number("column_exponent", config::Range::between(0, 8), law.column_exponent);
  }
  if (all || law.name == "rmat") {
    law.corner = map.number("corner", share, law.corner);
    law.beside = map.number("beside", share, law.beside);
    law.below = map.number("below", share, law.below);
    if (law.corner + law.beside + law.below > 1) map.mistake("corner", "corner, beside and below are more than 1");
  }
  if (all || law.name == "banded") law.band = map.integer("band", 0, kMaskSideMost, 16);
}

/// One operand: a file, or the sparsity of a mask to draw; `fallback` < 0: it must be given.
std::shared_ptr<const Mask> read_numbers(config::MapReader& map, const char* mask_key, const char* sparsity_key,
                                         double fallback, std::int64_t rows, std::int64_t columns, double& sparsity) {
  const std::string file = map.text(mask_key, "");
  const auto share = config::Range::between(0, 1);
  if (!file.empty()) {
    if (map.has(sparsity_key)) map.mistake(sparsity_key, "give a mask, or the sparsity of one to draw, not both");
    return read_operand(map, mask_key, file, rows, columns);
  }
  sparsity = fallback < 0 ? map.number(sparsity_key, share) : map.number(sparsity_key, share, fallback);
  const double stored = (1 - sparsity) * real(rows) * real(columns);
  const bool as_before = fallback >= 0 && !map.has(sparsity_key);  // reported
  if (stored > real(kDrawnPlacesMost) && !as_before)
    map.mistake(sparsity_key,
                fmt::format("{:.4g} stored places are too many to draw; at most {}", stored, kDrawnPlacesMost));
  return nullptr;
}

}  // namespace

std::unique_ptr<Op> read_spgemm(config::MapReader& map) {
  static constexpr std::array<std::string_view, 4> kTypes = {"fp32", "tf32", "fp16", "bf16"};
  const std::size_t mistakes = map.diagnostics().mistakes().size();
  SpgemmSize size;
  size.m = map.integer("m", 1, kMaskSideMost);
  size.n = map.integer("n", 1, kMaskSideMost);
  size.k = map.integer("k", 1, kMaskSideMost);
  size.dtype = map.choice("dtype", kTypes, "fp32");
  size.kernel = map.text("kernel", "");
  size.squared = map.boolean("squared", false);
  read_law(map, size.law);
  size.a_mask = read_numbers(map, "mask", "sparsity", -1, size.m, size.k, size.a_sparsity);
  if (!size.squared)
    size.b_mask =
        read_numbers(map, "b_mask", "b_sparsity", size.a_mask ? -1 : size.a_sparsity, size.k, size.n, size.b_sparsity);
  else if (size.m != size.k || size.k != size.n)
    map.mistake("squared", "a squared matrix is square");
  if (size.squared) size.b_sparsity = size.a_sparsity;
  if (map.diagnostics().mistakes().size() > mistakes) return nullptr;
  return std::make_unique<Spgemm>(std::move(size));
}

std::unique_ptr<Op> spgemm_from_row(const MeasuredOp& row) {
  MeasuredOp keys = row;
  if (row.sparsity) keys.params.try_emplace("sparsity", config::format_number(*row.sparsity));
  return read_row(keys, read_spgemm);
}

}  // namespace sparsesim
