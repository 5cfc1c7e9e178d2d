// The comparison with an earlier run, for people and for review.

#include <fmt/format.h>

#include <algorithm>

#include "sim/stats/table.h"
#include "validate/compare/baseline.h"
#include "validate/compare/sections.h"

namespace sparsesim {

namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string from_to(std::optional<double> before, std::optional<double> after) {
  return before && after ? fmt::format("{:.1f} → {:.1f}", *before, *after) : "";
}

std::string better_worse(const QuantityChange& change) {
  return change.rows > 0 ? fmt::format("{} / {}", change.better, change.worse) : "";
}

const std::vector<TableColumn> kFamilyColumns = {{"operation"},
                                                 {"pattern"},
                                                 {"device"},
                                                 {"rows", Align::right},
                                                 {"failed", Align::right},
                                                 {"time error %", Align::right},
                                                 {"better / worse", Align::right},
                                                 {"speedup error %", Align::right},
                                                 {"better / worse", Align::right},
                                                 {"winner right %", Align::right}};

Rows family_rows(const Changes& changes) {
  Rows out;
  for (const FamilyChange& f : changes.families)
    out.push_back({f.op, f.pattern, f.device, fmt::format("{}", std::max(f.time.rows, f.speedup.rows)),
                   f.failed_before + f.failed_after > 0 ? fmt::format("{} → {}", f.failed_before, f.failed_after) : "",
                   from_to(f.time.before, f.time.after), better_worse(f.time),
                   from_to(f.speedup.before, f.speedup.after), better_worse(f.speedup),
                   from_to(f.winner_before, f.winner_after)});
  return out;
}

const std::vector<TableColumn> kRowColumns = {{"row"},
                                              {"operation"},
                                              {"pattern"},
                                              {"device"},
                                              {"what"},
                                              {"measured", Align::right},
                                              {"before", Align::right},
                                              {"now", Align::right},
                                              {"error %", Align::right}};

Rows change_rows(const std::vector<RowChange>& changes) {
  Rows out;
  for (const RowChange& c : changes) {
    const auto number = [&](double value) {
      return c.speedup ? fmt::format("{:.2f}x", value) : fmt::format("{:.1f} us", value);
    };
    out.push_back({c.id, c.op, c.pattern, c.device, c.speedup ? "speedup" : "time", number(c.measured),
                   number(c.predicted_before), number(c.predicted_after), from_to(c.before, c.after)});
  }
  return out;
}

std::string head(const Changes& c) {
  return fmt::format(
      "{} (version {}, inputs {}): {} rows compared, {} only there, {} only here, {} measured anew. A row is better or "
      "worse where its error moved by more than {} points.\n",
      c.name, c.version, c.inputs_hash, c.common, c.only_before, c.only_after, c.measured_anew, kSameError);
}

}  // namespace

std::string changes_table(const Changes& changes) {
  std::string out = "\nAgainst " + head(changes) + "\n" + format_table(kFamilyColumns, family_rows(changes));
  if (!changes.better.empty())
    out += "\nLargest improvements:\n" + format_table(kRowColumns, change_rows(changes.better), 2);
  if (!changes.worse.empty())
    out += "\nLargest deteriorations:\n" + format_table(kRowColumns, change_rows(changes.worse), 2);
  return out;
}

std::string changes_markdown(const Changes& changes) {
  const auto escaped = [](Rows rows) {
    for (auto& row : rows)
      for (auto& cell : row) cell = markdown_text(cell);
    return rows;
  };
  const auto largest = [&](const char* title, const std::vector<RowChange>& rows) {
    return rows.empty() ? fmt::format("\n### {}\n\nNone.\n", title)
                        : fmt::format("\n### {}\n\n{}", title, markdown_table(kRowColumns, escaped(change_rows(rows))));
  };
  return markdown_text(head(changes)) + "\n" + markdown_table(kFamilyColumns, escaped(family_rows(changes))) +
         largest("Largest improvements", changes.better) + largest("Largest deteriorations", changes.worse);
}

}  // namespace sparsesim
