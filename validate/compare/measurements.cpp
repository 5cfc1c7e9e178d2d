#include "validate/compare/measurements.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <set>

#include "models/ops/registry.h"
#include "sim/config/reader.h"
#include "sim/stats/csv.h"

namespace sparsesim {

namespace {

using config::Diagnostics;
using config::Position;

constexpr std::int64_t kFileBytesMax = 8 << 20;
constexpr std::int64_t kDevicesMax = 1 << 20;
constexpr std::int64_t kSizeMax = std::int64_t{1} << 40;

/// Every op of a workload, and what only publications measure.
std::vector<std::string_view> make_op_names() {
  std::vector<std::string_view> names;
  for (const OpKind& kind : op_kinds()) names.push_back(kind.name);
  names.insert(names.end(), {"gather_reduce", "layer", "model"});
  return names;
}

bool parse_whole(std::string_view text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_number(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

Position place_of(const CsvField& cell, const std::string& file) { return {file, cell.line, cell.column}; }

/// The cells of one row while they are turned into a Measurement.
struct RowReader {
  std::string_view column;  // of the cell being read
  const CsvField& cell;
  Position place;  // of the cell
  Measurement& row;
  Diagnostics& diagnostics;

  void mistake(const std::string& message, std::string hint = {}) const {
    diagnostics.add(place, message, std::move(hint));
  }
  void whole(std::int64_t& value, std::int64_t low, std::int64_t high) const {
    if (cell.text.empty()) return;
    std::int64_t read = 0;
    if (!parse_whole(cell.text, read) || read < low || read > high)
      return mistake(fmt::format("{} must be a whole number from {} to {}, not \"{}\"", column, low, high, cell.text));
    value = read;
  }
  void positive(std::optional<double>& value) const {
    if (cell.text.empty()) return;
    double read = 0;
    if (!parse_number(cell.text, read) || read <= 0)
      return mistake(fmt::format("{} must be a number above 0, not \"{}\"", column, cell.text));
    value = read;
  }
  void share(std::optional<double>& value) const {
    if (cell.text.empty()) return;
    double read = 0;
    if (!parse_number(cell.text, read) || read < 0 || read > 1)
      return mistake(fmt::format("{} must be a number from 0 to 1, not \"{}\"", column, cell.text));
    value = read;
  }
  void name(std::string& value) const {
    if (cell.text.empty()) mistake(fmt::format("{} is empty", column));
    value = cell.text;
  }
  void op() const {
    row.op.op = cell.text;
    const auto names = measured_op_names();
    if (std::find(names.begin(), names.end(), cell.text) != names.end()) return;
    const std::string near = config::nearest(cell.text, names);
    const std::string known = fmt::format("known: {}", fmt::join(names, ", "));
    mistake(fmt::format("unknown op \"{}\"", cell.text),
            near.empty() ? known : fmt::format("did you mean \"{}\"? ({})", near, known));
  }
  void params() const;
};

void RowReader::params() const {
  std::string_view rest = cell.text;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size()) {
      mistake(fmt::format("params: expected name=value, got \"{}\"", pair), "pairs are joined with \";\"");
    } else if (!row.op.params.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second) {
      mistake(fmt::format("params: \"{}\" is given twice", pair.substr(0, equals)));
    }
  }
}

struct Column {
  std::string_view name;
  bool required;
  void (*read)(const RowReader&);
};

// The one table of columns: reading and the order of writing.
constexpr std::array<Column, 18> kColumns{{
    {"id", true, [](const RowReader& r) { r.name(r.row.id); }},
    {"device", true, [](const RowReader& r) { r.name(r.row.device); }},
    {"devices", false,
     [](const RowReader& r) {
       std::int64_t devices = 1;
       r.whole(devices, 1, kDevicesMax);
       r.row.op.devices = static_cast<int>(devices);
     }},
    {"op", true, [](const RowReader& r) { r.op(); }},
    {"m", false, [](const RowReader& r) { r.whole(r.row.op.m, 1, kSizeMax); }},
    {"n", false, [](const RowReader& r) { r.whole(r.row.op.n, 1, kSizeMax); }},
    {"k", false, [](const RowReader& r) { r.whole(r.row.op.k, 1, kSizeMax); }},
    {"dtype", false, [](const RowReader& r) { r.row.op.dtype = r.cell.text; }},
    {"pattern", false, [](const RowReader& r) { r.row.op.pattern = r.cell.text.empty() ? "dense" : r.cell.text; }},
    {"sparsity", false, [](const RowReader& r) { r.share(r.row.op.sparsity); }},
    {"params", false, [](const RowReader& r) { r.params(); }},
    {"kernel", false, [](const RowReader& r) { r.row.op.kernel = r.cell.text; }},
    {"baseline", false, [](const RowReader& r) { r.row.baseline = r.cell.text; }},
    {"time_us", true, [](const RowReader& r) { r.positive(r.row.time_us); }},
    {"baseline_us", false, [](const RowReader& r) { r.positive(r.row.baseline_us); }},
    {"speedup", false, [](const RowReader& r) { r.positive(r.row.speedup); }},
    {"source", false, [](const RowReader& r) { r.row.source = r.cell.text; }},
    {"note", false, [](const RowReader& r) { r.row.note = r.cell.text; }},
}};

constexpr auto kColumnNames = [] {
  std::array<std::string_view, kColumns.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kColumns[i].name;
  return names;
}();

/// The table row of each column of the file; null where the header is wrong.
std::vector<const Column*> read_header(const CsvRow& cells, const std::string& file, Diagnostics& diagnostics) {
  std::vector<const Column*> header;
  for (const CsvField& cell : cells) {
    const auto known = std::find(kColumnNames.begin(), kColumnNames.end(), cell.text);
    const Column* column = known == kColumnNames.end() ? nullptr : &kColumns[known - kColumnNames.begin()];
    if (!column) {
      const std::string near = config::nearest(cell.text, kColumnNames);
      const std::string list = fmt::format("known: {}", fmt::join(kColumnNames, ", "));
      diagnostics.add(place_of(cell, file), fmt::format("unknown column \"{}\"", cell.text),
                      near.empty() ? list : fmt::format("did you mean \"{}\"? ({})", near, list));
    } else if (std::find(header.begin(), header.end(), column) != header.end()) {
      diagnostics.add(place_of(cell, file), fmt::format("column \"{}\" is given twice", cell.text));
    }
    header.push_back(column);
  }
  for (const Column& column : kColumns)
    if (column.required && std::find(header.begin(), header.end(), &column) == header.end())
      diagnostics.add({file, 1, 1}, fmt::format("the column \"{}\" is missing", column.name));
  return header;
}

void read_row(const std::vector<const Column*>& header, const CsvRow& cells, const std::string& file, Measurement& row,
              Diagnostics& diagnostics) {
  const std::size_t mistakes_before = diagnostics.mistakes().size();
  if (cells.size() != header.size())
    diagnostics.add(place_of(cells.back(), file),
                    fmt::format("{} fields where the header has {} columns", cells.size(), header.size()),
                    "a comma inside a field needs quotes around the field");
  for (std::size_t i = 0; i < std::min(cells.size(), header.size()); ++i)
    if (header[i]) header[i]->read({header[i]->name, cells[i], place_of(cells[i], file), row, diagnostics});
  const bool sound = diagnostics.mistakes().size() == mistakes_before &&
                     std::find_if(header.begin(), header.end(), [](const Column* column) {
                       return column && column->name == "time_us";
                     }) != header.end();
  if (sound && !row.time_us && !row.speedup)
    diagnostics.add(place_of(cells.front(), file), fmt::format("row \"{}\" has neither time_us nor speedup", row.id));
}

}  // namespace

std::optional<double> Measurement::measured_speedup() const {
  if (speedup) return speedup;
  if (baseline_us && time_us) return *baseline_us / *time_us;
  return std::nullopt;
}

std::span<const std::string_view> measurement_columns() { return kColumnNames; }
std::span<const std::string_view> measured_op_names() {
  static const std::vector<std::string_view> kNames = make_op_names();
  return kNames;
}

MeasurementFile read_measurements_text(std::string_view text, const std::string& name, Diagnostics& diagnostics) {
  MeasurementFile file{std::filesystem::path(name).filename().string(), {}};
  const auto report = [&](int line, int column, const std::string& message, const std::string& hint) {
    diagnostics.add({name, line, column}, message, hint);
  };
  CsvReader csv(text, report);
  if (!csv.is_text()) return file;
  diagnostics.remember_source(name, std::make_shared<const std::string>(text));
  CsvRow cells;
  if (!csv.next(cells)) {
    diagnostics.add({name, 0, 0}, "the file is empty: expected a header line and rows");
    return file;
  }
  const auto header = read_header(cells, name, diagnostics);
  std::set<std::string> ids;
  bool any = false;
  while (csv.next(cells)) {
    any = true;
    Measurement row;
    row.op.pattern = "dense";
    const Position place = place_of(cells.front(), name);
    read_row(header, cells, name, row, diagnostics);
    if (!row.id.empty() && !ids.insert(row.id).second)
      diagnostics.add(place, fmt::format("id \"{}\" is given twice", row.id));
    if (diagnostics.empty()) file.rows.push_back(std::move(row));
  }
  if (!any) diagnostics.add({name, 0, 0}, "no rows below the header");
  return file;
}

std::vector<MeasurementFile> read_measurements(const std::vector<std::string>& paths) {
  Diagnostics diagnostics;
  std::vector<MeasurementFile> files;
  for (const std::string& path : paths) {
    try {
      files.push_back(
          read_measurements_text(config::read_text_file(path, kFileBytesMax, diagnostics), path, diagnostics));
    } catch (const config::ConfigError& error) {
      // What was reported before is in there once more.
      for (std::size_t i = diagnostics.mistakes().size(); i < error.mistakes().size(); ++i)
        diagnostics.add(error.mistakes()[i].position, error.mistakes()[i].message, error.mistakes()[i].hint);
    }
  }
  diagnostics.throw_if_any();
  return files;
}

}  // namespace sparsesim
