#include "models/ops/weights/spmm_finer.h"

#include <set>

#include "models/ops/cores/core.h"
#include "models/ops/dense/gemm_kernels.h"

namespace sparsesim {
namespace {

/// Rows of a unit that the kernel is written for; 0: any.
std::int64_t written_rows(const Kernel& kernel) {
  const auto found = kernel.constants.find("block_n");
  return found == kernel.constants.end() ? 0 : static_cast<std::int64_t>(found->second.value);
}

std::string_view pattern_of(Unit unit) {
  if (unit.columns > 1) return "block";
  return unit.rows > 1 ? "vector" : "unstructured";
}

/// Units that kernels are written for and that divide those of `size`, its own among them.
std::set<Unit> written_units(const SpmmSize& size, const Substrate& substrate) {
  std::set<Unit> units;
  for (const Kernel& kernel : substrate.kernels) {
    const std::int64_t rows = written_rows(kernel);
    if (rows == 0 || size.block_n % rows != 0) continue;
    if (takes(kernel, "vector", size.dtype)) units.insert({rows, 1});
    if (takes(kernel, "block", size.dtype) && (size.block_k % rows == 0 || rows == size.block_n))
      units.insert({rows, rows == size.block_n ? size.block_k : rows});
  }
  return units;
}

}  // namespace

std::vector<Unit> finer_units(const SpmmSize& size, const Substrate& substrate) {
  const Unit own{size.block_n, size.block_k};
  if (is_n_of_m(size.pattern) || size.transposed || own == Unit{}) return {};
  std::set<Unit> units;
  if (on_cores(substrate)) {
    for (Unit unit = own; unit.rows > 1; units.insert(unit))
      unit = {unit.rows % 2 == 0 ? unit.rows / 2 : 1, unit.columns % 2 == 0 ? unit.columns / 2 : 1};
  } else {
    units = written_units(size, substrate);
    // Kernels for any unit take lower ones of its width, too: more tasks, until a matrix instruction is not filled.
    constexpr std::int64_t kLowest = 16;
    if (!units.contains(own))
      for (std::int64_t rows = own.rows; rows % 2 == 0 && rows / 2 >= kLowest; rows /= 2)
        units.insert({rows / 2, own.columns});
  }
  units.insert(Unit{});
  units.erase(own);
  return {units.begin(), units.end()};
}

SpmmSize in_finer_units(const SpmmSize& size, Unit unit, const RowCounts& counts) {
  SpmmSize finer = size;
  finer.pattern = pattern_of(unit);
  finer.block_n = unit.rows;
  finer.block_k = unit.columns;
  finer.mask = {};
  finer.drawn = in_smaller_units(counts, size.block_n / unit.rows, size.block_k / unit.columns);
  return finer;
}

}  // namespace sparsesim
