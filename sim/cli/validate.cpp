// sparsesim validate: reads measured rows, simulates them, scores the predictions.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "models/evaluate/run.h"
#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "validate/compare/html_report.h"

namespace sparsesim::cli {

namespace {

/// Each name is the op or the device of some row.
void check_names(const std::vector<std::string>& only, const std::vector<MeasurementFile>& files) {
  std::set<std::string> known;
  for (const auto& file : files)
    for (const auto& row : file.rows) known.insert({row.op.op, row.device});
  for (const std::string& word : only)
    if (!known.contains(word))
      throw UsageError(
          fmt::format("--only {}: no row has this op or device (they have: {})", word, fmt::join(known, ", ")));
}

std::vector<MeasurementFile> read_files(const ParsedCommand& command) {
  auto files = read_measurements(command.get_all("measurements"));
  for (auto& file : files)
    for (auto& row : file.rows) row.op.masks = command.find("masks").value_or("");
  const auto only = command.get_all("only");
  if (only.empty()) return files;
  check_names(only, files);
  for (auto& file : files)
    std::erase_if(file.rows, [&](const Measurement& row) {
      return std::none_of(only.begin(), only.end(),
                          [&](const std::string& word) { return row.op.op == word || row.device == word; });
    });
  return files;
}

SearchPath machine_folders(const ParsedCommand& command) {
  SearchPath search = shipped("substrates");
  if (const auto folder = command.find("substrates")) search.folders.insert(search.folders.begin(), *folder);
  return search;
}

/// Fits everything that was compared with into one text, so that a report can be traced to its inputs.
std::string hash_inputs(const Comparison& comparison, const SubstrateCache& substrates) {
  std::string text = fmt::format("seed {}\n", comparison.seed);
  for (const auto& row : comparison.rows) {
    const Measurement& m = row.measured;
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{}", row.file, m.id, m.device, m.op.devices, m.op.op, m.op.m,
                        m.op.n, m.op.k, m.op.dtype, m.op.pattern, m.op.kernel);
    for (const auto& [name, value] : m.op.params) text += fmt::format(",{}={}", name, value);
    text += fmt::format(",{},{},{}\n", m.time_us.value_or(0), m.baseline_us.value_or(0), m.speedup.value_or(0));
  }
  for (const auto& substrate : substrates.loaded()) text += dump_substrate(*substrate);
  return fnv1a(text);
}

Comparison compare(std::vector<MeasurementFile> files, SubstrateCache& substrates, const PredictOptions& options) {
  Comparison out;
  out.seed = options.seed;
  out.version = SPARSESIM_VERSION;
  std::vector<const Measurement*> rows;
  for (const auto& file : files)
    for (const auto& row : file.rows) rows.push_back(&row);
  auto predictions = predict_rows(rows, substrates, options);
  std::size_t at = 0;
  for (const auto& file : files)
    for (const auto& row : file.rows) out.rows.push_back({file.name, row, std::move(predictions[at++])});
  const auto explained = rows_to_explain(out.rows);
  predictions.clear();
  for (const auto& row : out.rows) predictions.push_back(row.predicted);
  explain_rows(rows, predictions, explained, substrates, options);
  for (const std::size_t i : explained) out.rows[i].predicted = predictions[i];
  out.summary = summarise_groups(out.rows);
  for (const auto& substrate : substrates.loaded()) {
    out.substrates.push_back(substrate->name);
    for (auto& constant : fitted_constants(*substrate)) out.fitted.push_back(std::move(constant));
  }
  out.inputs_hash = hash_inputs(out, substrates);
  return out;
}

void write_reports(const ParsedCommand& command, const Comparison& comparison) {
  if (const auto path = command.find("rows")) write_file(*path, comparison_csv(comparison));
  if (const auto path = command.find("accuracy")) write_file(*path, accuracy_markdown(comparison));
  if (const auto path = command.find("html")) write_file(*path, html_report(comparison));
  if (const auto path = command.find("markdown")) write_file(*path, markdown_report(comparison));
  if (const auto path = command.find("report-json")) write_file(*path, comparison_json(comparison));
}

}  // namespace

int run_validate(const ParsedCommand& command) {
  if (command.find("html")) require_pages();
  auto files = read_files(command);
  std::optional<Baseline> baseline;
  if (const auto path = command.find("baseline")) baseline = read_baseline(*path);
  for (const char* output : {"rows", "accuracy", "html", "markdown", "report-json"})
    if (const auto path = command.find(output)) check_writable(*path);
  SubstrateCache substrates(machine_folders(command));
  PredictOptions options;
  options.seed = static_cast<std::uint64_t>(command.integer("seed").value_or(1));
  options.threads = static_cast<int>(command.integer("threads").value_or(0));
  options.stop = &InterruptGuard::stop();
  ProgressBar bar("rows");
  if (ProgressBar::visible() && !command.flag("quiet"))
    options.progress = [&](std::size_t done, std::size_t total) { bar.draw(done, total); };
  const InterruptGuard guard;
  Comparison comparison;
  try {
    comparison = compare(std::move(files), substrates, options);
  } catch (const Interrupted&) {
    bar.clear();
    fmt::print(stderr, "sparsesim: interrupted, nothing was written\n");
    return kInterruptedExit;
  }
  bar.clear();
  if (baseline) comparison.changes = compare_with_baseline(comparison.rows, *baseline);
  write_reports(command, comparison);
  fmt::print("{}", command.get("format") == "json" ? comparison_json(comparison) : comparison_table(comparison));
  return kOk;
}

}  // namespace sparsesim::cli
