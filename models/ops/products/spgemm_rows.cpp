#include <algorithm>
#include <cmath>

#include "models/ops/products/spgemm_dataflows.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// One row of A after the other: what its mergers do, and its share of the memory's lines.
class RowPieces {
 public:
  RowPieces(const SpgemmSize& size, const SpgemmOperands& operands, const SpgemmConstants& constants,
            const LowerContext& context)
      : operands_(operands), constants_(constants), entry_(entry_bytes(constants, size, context.ideal)) {
    pointer_ = context.ideal.metadata ? 0 : constants.pointer_bytes;
    pointers_ = pointer_ * (1 + real(operands.b().rows) / real(operands.a().rows));
    const Memory& memory = context.substrate.memory;
    FiberLayout layout;
    layout.entry_bytes = entry_;
    layout.line = memory.fill_granule;
    layout.capacity = std::max<double>(shared_l2_bytes(memory), memory.side_bytes) * constants.cache_share;
    layout.radix = static_cast<std::int64_t>(constants.radix);
    line_ = layout.line;
    tree_ = operands.tree(layout.radix);
    fetches_ = operands.fetches(layout);
  }

  template <typename Take>
  void each(Take&& take) const {
    for (std::int64_t row = 0; row < operands_.a().rows; ++row) pieces_of(row, take);
  }

 private:
  template <typename Take>
  void pieces_of(std::int64_t row, Take& take) const {
    const auto places = static_cast<std::int64_t>(operands_.a().row(row).size());
    const double products = real(operands_.counts().row_products[at(row)]);
    const RowFetches& fetches = (*fetches_)[at(row)];
    const std::int64_t begin = tree_->offsets[at(row)], end = tree_->offsets[at(row) + 1];
    double merged = products;  // what all mergers of the row take in
    for (std::int64_t group = begin; group < end; ++group) merged += tree_->results[at(group)];
    SpgemmPiece all;
    all.cycles = merged * constants_.element_cycles + real(places) * constants_.fiber_cycles + constants_.row_cycles;
    all.read = real(places) * entry_ + pointers_;
    // Of the lines of a row of B all are wanted that the cache keeps, whichever row takes them.
    all.lines = all.read + fetches.missed * line_;
    all.read += std::min(products * entry_, fetches.missed * line_);
    all.found = fetches.found * line_;
    all.products = all.issued = products;
    all = scaled(all, constants_.passes);
    all.products = products;
    all.store = real(operands_.counts().row_results[at(row)]) * entry_ + pointer_ + fetches.spilled * line_;
    // The mergers of a tree are elements of their own.
    const std::int64_t mergers = end - begin + 1;
    for (std::int64_t merger = 0; merger < mergers; ++merger) take(scaled(all, 1 / real(mergers)));
  }
  static SpgemmPiece scaled(SpgemmPiece piece, double times) {
    for (double* part : {&piece.cycles, &piece.wait, &piece.read, &piece.lines, &piece.found, &piece.store,
                         &piece.products, &piece.issued})
      *part *= times;
    return piece;
  }

  const SpgemmOperands& operands_;
  const SpgemmConstants& constants_;
  double entry_, pointer_ = 0, line_ = 0;
  double pointers_ = 0;  // where a row of A begins, and its share of those of B, which are read once
  std::shared_ptr<const MergeTree> tree_;
  std::shared_ptr<const std::vector<RowFetches>> fetches_;
};

}  // namespace

Program lower_spgemm_rows(const SpgemmSize& size, const SpgemmOperands& operands, const Kernel& kernel,
                          const LowerContext& context) {
  const SpgemmConstants constants = spgemm_constants(kernel);
  const RowPieces pieces(size, operands, constants, context);
  return one_launch(pieces, kernel, constants, size, context);
}

}  // namespace sparsesim
