#pragma once
// What a comparison says, in each of its forms: pure functions, keys and columns documented in docs/measurements.md.

#include <optional>
#include <string>
#include <vector>

#include "validate/compare/baseline.h"
#include "validate/compare/summary.h"

namespace sparsesim {

/// A constant of a machine that was fitted to measured rows.
struct FittedConstant {
  std::string name, substrate, fitted_to;
  double value = 0;
  std::string unit;  // empty for plain numbers
};

struct Comparison {
  std::vector<ComparedRow> rows;
  std::vector<Summary> summary;
  std::vector<FittedConstant> fitted;
  std::vector<std::string> substrates;  // names of the machines used
  std::uint64_t seed = 1;
  std::string version;
  std::string inputs_hash;         // of the measured rows, the resolved machines and the seed
  std::optional<Changes> changes;  // against an earlier run, where one was given
};

/// The fitted constants of a machine, in file order.
std::vector<FittedConstant> fitted_constants(const Substrate& substrate);

/// The JSON object. All but `seconds` is the same for the same inputs.
std::string comparison_json(const Comparison& comparison);
/// Table for people: scores per group, failures by reason, the worst rows.
std::string comparison_table(const Comparison& comparison);
/// One line per row, with a header.
std::string comparison_csv(const Comparison& comparison);
/// docs/accuracy.md; no times of this program, so that the same inputs give the same bytes.
std::string accuracy_markdown(const Comparison& comparison);
/// The report for review: accuracy, who wins, waterfalls of the worst rows, changes, provenance (docs/report.md).
std::string markdown_report(const Comparison& comparison);

}  // namespace sparsesim
