// sparsesim validate: reads measured rows, simulates them, scores the predictions.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/say.h"
#include "validate/compare/compare.h"
#include "validate/compare/html_report.h"

namespace sparsesim::cli {

namespace {

std::vector<MeasurementFile> read_files(const ParsedCommand& command) {
  auto files = read_measurements(command.get_all("measurements"));
  for (auto& file : files)
    for (auto& row : file.rows) row.op.masks = command.find("masks").value_or("");
  for (const std::string& word : keep_only(command.get_all("only"), files))
    throw UsageError(fmt::format("--only {}: no row has this op or device (they have: {})", word,
                                 fmt::join(ops_and_devices(files), ", ")));
  return files;
}

SearchPath machine_folders(const ParsedCommand& command) {
  SearchPath search = shipped("substrates");
  const auto own = command.get_all("substrates");
  search.folders.insert(search.folders.begin(), own.begin(), own.end());
  return search;
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
  const InterruptGuard guard;  // from the first file on
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
  Comparison comparison;
  try {
    comparison = compare(files, substrates, options);
    comparison.version = SPARSESIM_VERSION;
  } catch (const Interrupted&) {
    bar.clear();
    say("sparsesim: interrupted, nothing was written\n");
    return kInterruptedExit;
  }
  bar.clear();
  if (baseline) comparison.changes = compare_with_baseline(comparison.rows, *baseline);
  write_reports(command, comparison);
  fmt::print("{}", command.get("format") == "json" ? comparison_json(comparison) : comparison_table(comparison));
  return kOk;
}

}  // namespace sparsesim::cli
