// docs/accuracy.md: deterministic content only, so that regenerating it gives the same bytes.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <string>
#include <vector>

#include "models/ops/registry.h"
#include "sim/stats/table.h"
#include "validate/compare/model_rows.h"
#include "validate/compare/sections.h"

namespace sparsesim {

namespace {

std::string worst_table(const Comparison& c) {
  std::vector<std::vector<std::string>> lines;
  for (const std::size_t i : worst_rows_of_groups(c.rows, kWorstRowsPerGroup)) {
    const ComparedRow& row = c.rows[i];
    lines.push_back({markdown_text(row.measured.id), row.measured.op.op, markdown_cell(row.predicted.time_us),
                     markdown_cell(row.measured.time_us), markdown_cell(row.time_error()),
                     markdown_cell(row.speedup_error()), row.predicted.bound, row.predicted.largest_loss});
  }
  return markdown_table({{"row", Align::left},
                         {"operation", Align::left},
                         {"predicted us", Align::right},
                         {"measured us", Align::right},
                         {"time error %", Align::right},
                         {"speedup error %", Align::right},
                         {"bound", Align::left},
                         {"largest loss", Align::left}},
                        lines);
}

/// What a row measures, as `sparsesim list ops` calls it; a failed row says itself what it wanted.
std::string measured_kind(const ComparedRow& row) {
  if (is_model_row(row.measured.op)) return row.measured.op.op;
  try {
    return std::string(op_from_row(row.measured.op)->kind());
  } catch (const UnsupportedError&) {
    return row.measured.op.op;
  } catch (const config::ConfigError&) {
    return row.measured.op.op;
  }
}

/// Gaps of the measurements: a model that no row scores is as good as its sources, and no better.
std::string unmeasured_section(const Comparison& c) {
  std::set<std::string> measured;
  for (const ComparedRow& row : c.rows) measured.insert(measured_kind(row));
  std::vector<std::string> missing = op_kind_names();
  for (const char* whole : {"layer", "model"}) missing.emplace_back(whole);
  std::erase_if(missing, [&](const std::string& kind) { return measured.contains(kind); });
  if (missing.empty()) return {};
  return fmt::format(
      "No row scores `{}`. What is published about some of them, whole models and their training among them, stands "
      "beside what is simulated in [cases](cases.md).\n\n",
      fmt::join(missing, "`, `"));
}

/// A section that may be empty; then it has no title either.
std::string titled(const std::string& title, const std::string& section) {
  return section.empty() ? section : fmt::format("## {}\n\n{}", title, section);
}

}  // namespace

std::string accuracy_markdown(const Comparison& c) {
  return fmt::format(
      "# Accuracy\n\n"
      "Written by `sparsesim validate --measurements FILE... --accuracy docs/accuracy.md`; do not edit. "
      "docs/measurements.md explains the rows and the scores.\n\n"
      "Version {}, seed {}, inputs {}.\n\n"
      "## Time\n\n"
      "Absolute percentage error of the simulated time: mean, median, 90th percentile; the mean again for the half of "
      "the rows "
      "that constants may be fitted to (odd ids) and for the half they never see (even ids).\n\n{}\n"
      "{}{}"
      "## Not simulated\n\n{}\n"
      "{}"
      "## Worst rows\n\nUp to {} per operation, pattern and device, with the resource that bounds the simulated run "
      "and the "
      "mechanism that costs it most.\n\n{}\n"
      "## Fitted constants\n\n"
      "Every constant of the machines above that was fitted to measured rows. All others are data-sheet values, "
      "measurements of the machine or guesses; `sparsesim show` lists them with their sources.\n\n{}",
      c.version, c.seed, c.inputs_hash, time_section(c), titled("Speedup over the dense twin", speedup_section(c)),
      titled("What explains measured speedup", variance_section(c)), failure_section(c),
      titled("Not measured", unmeasured_section(c)), kWorstRowsPerGroup, worst_table(c), fitted_section(c));
}

}  // namespace sparsesim
