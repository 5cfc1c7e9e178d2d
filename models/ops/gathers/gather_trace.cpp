#include "models/ops/gathers/gather_trace.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "models/sparsity/formats/number_line.h"

namespace sparsesim {
namespace {

/// For each lookup the one of the same row before it; -1: none.
std::vector<std::int64_t> earlier_lookups(const std::vector<std::int64_t>& rows) {
  std::vector<std::int64_t> order(rows.size()), earlier(rows.size(), -1);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto row_of = [&](std::int64_t lookup) { return rows[static_cast<std::size_t>(lookup)]; };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return row_of(a) < row_of(b); });
  for (std::size_t i = 1; i < order.size(); ++i)
    if (row_of(order[i]) == row_of(order[i - 1])) earlier[static_cast<std::size_t>(order[i])] = order[i - 1];
  return earlier;
}

/// Marks on a line of places, counted from the left in logarithmic time (Fenwick tree).
class Marks {
 public:
  explicit Marks(std::size_t places) : tree_(places + 1) {}
  void add(std::int64_t place, std::int64_t count) {
    for (auto i = static_cast<std::size_t>(place) + 1; i < tree_.size(); i += i & (~i + 1)) tree_[i] += count;
  }
  /// Marks at places 0 .. place.
  std::int64_t until(std::int64_t place) const {
    std::int64_t count = 0;
    for (auto i = static_cast<std::size_t>(place) + 1; i > 0; i -= i & (~i + 1)) count += tree_[i];
    return count;
  }

 private:
  std::vector<std::int64_t> tree_;
};

}  // namespace

std::int64_t LookupTrace::misses(std::int64_t capacity) const {
  return distinct + (reuse.end() - std::upper_bound(reuse.begin(), reuse.end(), capacity));
}

LookupTrace trace_of(std::vector<std::int64_t> bags, const std::vector<std::int64_t>& rows) {
  LookupTrace trace;
  trace.bags = std::move(bags);
  trace.lookups = static_cast<std::int64_t>(rows.size());
  const std::vector<std::int64_t> earlier = earlier_lookups(rows);
  Marks latest(rows.size());  // the latest lookup of each row so far
  for (std::int64_t lookup = 0; lookup < trace.lookups; ++lookup) {
    const std::int64_t before = earlier[static_cast<std::size_t>(lookup)];
    if (before < 0) {
      ++trace.distinct;
    } else {
      trace.reuse.push_back(trace.distinct - latest.until(before) + 1);
      latest.add(before, -1);
    }
    latest.add(lookup, 1);
  }
  std::sort(trace.reuse.begin(), trace.reuse.end());
  return trace;
}

LookupTrace read_lookup_trace(std::string_view text, const std::string& file, std::int64_t rows,
                              config::Diagnostics& diagnostics) {
  std::vector<std::int64_t> bags, lookups;
  for (int line = 1; !text.empty(); ++line) {
    NumberLine numbers(take_line(text), line, file, diagnostics);
    const std::size_t before = lookups.size();
    while (!numbers.at_end()) {
      const std::int64_t row = numbers.next(0, rows - 1, "row of the table");
      if (row < 0) return {};
      lookups.push_back(row);
    }
    bags.push_back(static_cast<std::int64_t>(lookups.size() - before));
  }
  if (lookups.empty()) diagnostics.add({file, 1, 1}, "no bag names a row");
  return lookups.empty() ? LookupTrace{} : trace_of(std::move(bags), lookups);
}

}  // namespace sparsesim
