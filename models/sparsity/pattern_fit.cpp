#include "models/sparsity/pattern_fit.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "sim/core/counts.h"
#include "sim/core/random.h"

namespace sparsesim {
PatternFit fit_n_of_m(const Mask& mask, NOfMPattern pattern) {
  const std::int64_t per_row = (mask.columns + pattern.of - 1) / pattern.of;
  std::int64_t too_full = 0, dropped = 0;
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    const auto columns = mask.row(row);
    for (std::size_t begin = 0, end = 0; begin < columns.size(); begin = end) {
      const std::int32_t limit = (columns[begin] / pattern.of + 1) * pattern.of;
      while (end < columns.size() && columns[end] < limit) ++end;
      const std::int64_t excess = static_cast<std::int64_t>(end - begin) - pattern.kept;
      too_full += excess > 0;
      dropped += std::max<std::int64_t>(0, excess);
    }
  }
  const std::int64_t groups = per_row * mask.rows;
  return {real(groups), real(groups - too_full), real(mask.stored()), real(dropped)};
}

namespace {

/// Counts a band of rows group by group of columns; touches only groups that hold something.
class VnmBand {
 public:
  VnmBand(std::int64_t columns, int of)
      : of_(of),
        uses_(at((columns + of - 1) / of * of)),
        agreed_(uses_.size()),
        held_(at((columns + of - 1) / of)),
        broken_(held_.size()) {}

  void add(std::span<const std::int32_t> columns) {
    std::int32_t limit = 0;
    for (const std::int32_t column : columns) {
      ++uses_[at(column)];
      if (column < limit) continue;
      const std::int32_t group = column / of_;
      limit = (group + 1) * of_;
      if (held_[at(group)]) continue;
      held_[at(group)] = 1;
      groups_.push_back(group);
    }
  }
  /// Chooses the columns of each group: the fullest, of equals the first.
  void agree() {
    constexpr std::ptrdiff_t kAgreed = 4;
    std::vector<std::int32_t> order(at(of_));
    const auto fuller = [&](std::int32_t a, std::int32_t b) {
      return uses_[at(a)] != uses_[at(b)] ? uses_[at(a)] > uses_[at(b)] : a < b;
    };
    for (const std::int32_t group : groups_) {
      std::iota(order.begin(), order.end(), group * of_);
      const auto end = order.begin() + std::min<std::ptrdiff_t>(kAgreed, of_);
      std::partial_sort(order.begin(), end, order.end(), fuller);
      for (auto column = order.begin(); column != end; ++column) agreed_[at(*column)] = 1;
    }
  }
  /// How many places of a row have to go.
  std::int64_t dropped(std::span<const std::int32_t> columns) {
    constexpr int kKept = 2;
    std::int64_t dropped = 0;
    std::int32_t group = -1, limit = 0;
    int kept = 0;
    for (const std::int32_t column : columns) {
      if (column >= limit) {
        group = column / of_;
        limit = (group + 1) * of_;
        kept = 0;
      }
      const bool keep = agreed_[at(column)] && kept < kKept;
      kept += keep;
      dropped += !keep;
      if (!keep) broken_[at(group)] = 1;
    }
    return dropped;
  }
  /// Groups that lost a place. Forgets the band.
  std::int64_t finish() {
    std::int64_t broken = 0;
    for (const std::int32_t group : groups_) {
      broken += broken_[at(group)];
      broken_[at(group)] = held_[at(group)] = 0;
      std::fill_n(uses_.begin() + std::ptrdiff_t{group} * of_, of_, 0);
      std::fill_n(agreed_.begin() + std::ptrdiff_t{group} * of_, of_, 0);
    }
    groups_.clear();
    return broken;
  }

 private:
  std::int32_t of_;
  std::vector<std::int32_t> uses_;    // of each column
  std::vector<char> agreed_;          // columns that are kept
  std::vector<char> held_, broken_;   // groups that hold something; that lost some of it
  std::vector<std::int32_t> groups_;  // those that hold something
};

}  // namespace

PatternFit fit_v_n_m(const Mask& mask, std::int64_t rows, int of) {
  PatternFit fit;
  fit.stored = real(mask.stored());
  VnmBand band(mask.columns, of);
  const double across = real((mask.columns + of - 1) / of);
  for (std::int64_t begin = 0; begin < mask.rows; begin += rows) {
    const std::int64_t end = std::min(begin + rows, mask.rows);
    for (std::int64_t row = begin; row < end; ++row) band.add(mask.row(row));
    band.agree();
    for (std::int64_t row = begin; row < end; ++row) fit.dropped += real(band.dropped(mask.row(row)));
    fit.groups += across;
    fit.fitting += across - real(band.finish());
  }
  return fit;
}

FreeLines free_lines(const Mask& mask) {
  std::vector<char> used(at(mask.columns));
  FreeLines free;
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    free.rows += mask.row(row).empty();
    for (const std::int32_t column : mask.row(row)) used[at(column)] = 1;
  }
  free.columns = std::count(used.begin(), used.end(), 0);
  return free;
}

Band band_of(const Mask& mask) {
  Band band{mask.columns, -mask.rows, 0, 0};
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    const auto columns = mask.row(row);
    if (columns.empty()) continue;
    band.low = std::min(band.low, columns.front() - row);
    band.high = std::max(band.high, columns.back() - row);
  }
  double area = 0;
  for (std::int64_t row = 0; row < mask.rows && band.low <= band.high; ++row)
    area += real(std::max<std::int64_t>(
        0, std::min(mask.columns - 1, row + band.high) - std::max<std::int64_t>(0, row + band.low) + 1));
  band.area = area / mask.places();
  band.fill = area > 0 ? real(mask.stored()) / area : 0;
  return band;
}

std::vector<std::int32_t> order_of_similar_rows(const Mask& mask, std::int64_t unit_columns) {
  constexpr std::size_t kSignature = 4;
  using Signature = std::array<std::uint32_t, kSignature>;
  const auto width = static_cast<std::uint32_t>(std::min(unit_columns, mask.columns));
  RandomStream random(1, "row signatures");
  std::vector<Signature> hashes(at((mask.columns + unit_columns - 1) / unit_columns));
  for (Signature& hash : hashes)
    for (std::uint32_t& word : hash) word = static_cast<std::uint32_t>(random.bits() >> 33);
  Signature none;
  none.fill(std::numeric_limits<std::uint32_t>::max());
  std::vector<Signature> signatures(at(mask.rows), none);
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    Signature& signature = signatures[at(row)];
    std::uint32_t limit = 0;  // columns below belong to a unit that was counted
    for (const std::int32_t place : mask.row(row)) {
      const auto column = static_cast<std::uint32_t>(place);
      if (column < limit) continue;
      const std::uint32_t unit = column / width;
      limit = (unit + 1) * width;
      const Signature& hash = hashes[unit];
      for (std::size_t i = 0; i < kSignature; ++i) signature[i] = std::min(signature[i], hash[i]);
    }
  }
  std::vector<std::int32_t> order(at(mask.rows));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return signatures[at(a)] < signatures[at(b)]; });
  return order;
}

}  // namespace sparsesim
