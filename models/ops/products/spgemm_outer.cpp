#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "models/ops/chain.h"
#include "models/ops/gathers/gather_rows.h"
#include "models/ops/products/spgemm_dataflows.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

class OuterPieces {
 public:
  OuterPieces(const SpgemmSize& size, const SpgemmOperands& operands, const SpgemmConstants& constants,
              const LowerContext& context)
      : operands_(operands), constants_(constants), entry_(entry_bytes(constants, size, context.ideal)) {
    pointer_ = context.ideal.metadata ? 0 : constants.pointer_bytes;
    chunk_ = context.ideal.metadata ? 0 : constants.chunk_bytes;
    const Memory& memory = context.substrate.memory;
    line_ = memory.fill_granule;
    trip_ = memory.dram_latency * context.substrate.compute.clock;
    for (std::int64_t k = 0; k < operands.b().rows; ++k) lists_.push_back(list_of(k));
    tree_ = operands.tree(static_cast<std::int64_t>(constants.lists_most));
  }

  /// A number of A after the other, column by column: each multiplies a row of B, which the column reads once.
  template <typename Take>
  void multiply(Take&& take) const {
    const Mask& columns = operands_.a_columns();
    for (std::int64_t k = 0; k < columns.rows; ++k) {
      const double numbers = real(static_cast<std::int64_t>(columns.row(k).size()));
      const double length = real(static_cast<std::int64_t>(operands_.b().row(k).size()));
      if (numbers == 0 || length == 0) {
        take(SpgemmPiece{.read = 2 * pointer_, .lines = 2 * pointer_});
        continue;
      }
      SpgemmPiece each;
      each.cycles = length * constants_.element_cycles + constants_.fiber_cycles;
      each.wait = constants_.fiber_trips * trip_;
      each.read = (numbers * entry_ + length * entry_ + 2 * pointer_) / numbers;
      each.lines = (touched(numbers * entry_) + touched(length * entry_) + 2 * pointer_) / numbers;
      each.store = length * entry_ + chunk_;
      each.products = each.issued = length;
      for (double number = 0; number < numbers; ++number) take(each);
    }
  }

  /// A row of the result after the other: its lists of partial products in order, the first of all of them next.
  template <typename Take>
  void merge(Take&& take) const {
    for (std::int64_t row = 0; row < operands_.a().rows; ++row) {
      const double lists = real(static_cast<std::int64_t>(operands_.a().row(row).size()));
      double lines = 0, lines_bytes = 0;
      for (const std::int32_t k : operands_.a().row(row)) {
        lines_bytes += lists_[at(k)].touched_bytes;
        lines += lists_[at(k)].lines;
      }
      const double products = real(operands_.counts().row_products[at(row)]);
      SpgemmPiece piece;
      piece.cycles = merge_cycles(products, lists) + constants_.row_cycles;
      // The first line of each list comes as the list is found; each later one is waited for.
      const double later = (lines - lists) / constants_.lines_in_flight;
      piece.wait = (constants_.row_trips + constants_.list_trips * lists + later) * trip_;
      add_rounds(row, lists, piece);
      piece.cycles /= constants_.merging_share;
      piece.wait /= constants_.merging_share;
      piece.read += products * entry_ + lists * chunk_;
      piece.lines += lines_bytes;
      piece.store += real(operands_.counts().row_results[at(row)]) * entry_ + pointer_;
      take(piece);
    }
  }

 private:
  /// Merging so many numbers of so many lists: a number's list goes to its new place among those of the others.
  double merge_cycles(double numbers, double lists) const {
    const double at_once = std::min(lists, constants_.lists_most);
    return numbers * (constants_.element_cycles + constants_.place_cycles * at_once / 2);
  }
  /// More lists than an element can hold the heads of are merged in rounds: what a round merges is written, and read by
  /// the next one.
  void add_rounds(std::int64_t row, double lists, SpgemmPiece& piece) const {
    std::int64_t group = tree_->offsets[at(row)];
    for (double left = lists; left > constants_.lists_most;) {
      left = std::ceil(left / constants_.lists_most);
      double results = 0;
      for (double merged = 0; merged < left; ++merged) results += tree_->results[at(group++)];
      piece.cycles += merge_cycles(results, left);
      piece.wait += left * constants_.list_trips * trip_;
      piece.read += results * entry_;
      piece.lines += results * entry_;
      piece.store += results * entry_;
    }
  }
  /// What the partial products of a row of B take, wherever they are read from.
  struct List {
    double lines = 0, touched_bytes = 0;
  };
  List list_of(std::int64_t k) const {
    const double bytes = real(static_cast<std::int64_t>(operands_.b().row(k).size())) * entry_ + chunk_;
    return {std::ceil(bytes / line_), touched(bytes)};
  }
  /// Bytes of the lines that so many bytes lie on, wherever they begin.
  double touched(double bytes) const {
    return touched_bytes(static_cast<std::int64_t>(std::ceil(bytes)), static_cast<std::int64_t>(line_));
  }

  const SpgemmOperands& operands_;
  const SpgemmConstants& constants_;
  double entry_, pointer_ = 0, chunk_ = 0, line_ = 0, trip_ = 0;
  std::vector<List> lists_;  // of each row of B
  std::shared_ptr<const MergeTree> tree_;
};

}  // namespace

Program lower_spgemm_outer(const SpgemmSize& size, const SpgemmOperands& operands, const Kernel& kernel,
                           const LowerContext& context) {
  const SpgemmConstants constants = spgemm_constants(kernel);
  const OuterPieces pieces(size, operands, constants, context);
  SpgemmPiece multiplied, merged;
  pieces.multiply([&](const SpgemmPiece& piece) { multiplied += piece; });
  pieces.merge([&](const SpgemmPiece& piece) { merged += piece; });
  SpgemmTasks multiply("spgemm multiply", kernel, constants, size, multiplied, context);
  pieces.multiply([&](const SpgemmPiece& piece) { multiply.add(piece); });
  SpgemmTasks merge("spgemm merge", kernel, constants, size, merged, context);
  pieces.merge([&](const SpgemmPiece& piece) { merge.add(piece); });
  Program program;
  append(program, multiply.finish());
  append(program, merge.finish());
  return program;
}

}  // namespace sparsesim
