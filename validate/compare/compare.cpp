#include "validate/compare/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/evaluate/run.h"

namespace sparsesim {
namespace {

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

}  // namespace

std::set<std::string> ops_and_devices(const std::vector<MeasurementFile>& files) {
  std::set<std::string> known;
  for (const auto& file : files)
    for (const auto& row : file.rows) known.insert({row.op.op, row.device});
  return known;
}

std::vector<std::string> keep_only(const std::vector<std::string>& words, std::vector<MeasurementFile>& files) {
  const auto known = ops_and_devices(files);
  std::vector<std::string> unknown;
  for (const std::string& word : words)
    if (!known.contains(word)) unknown.push_back(word);
  if (!unknown.empty() || words.empty()) return unknown;
  const auto is = [&](const Measurement& row) {
    return [&](const std::string& word) { return row.op.op == word || row.device == word; };
  };
  for (auto& file : files)
    std::erase_if(file.rows, [&](const Measurement& row) { return std::none_of(words.begin(), words.end(), is(row)); });
  return {};
}

Comparison compare(const std::vector<MeasurementFile>& files, SubstrateCache& substrates,
                   const PredictOptions& options) {
  Comparison out;
  out.seed = options.seed;
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

}  // namespace sparsesim
