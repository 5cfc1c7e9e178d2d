#include "validate/measure/harness/plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <stdexcept>

#include "validate/measure/harness/csv.h"

namespace sparsesim::measure {
namespace {

constexpr std::array<std::string_view, 11> kColumns = {"id", "device", "devices", "op",       "m",     "n",
                                                       "k",  "dtype",  "pattern", "sparsity", "params"};
constexpr std::string_view kKernel = "kernel";
/// Largest size of a dimension: what a row of 2^31 fp32 weights needs is more than any machine gives a benchmark.
constexpr std::int64_t kMostElements = std::int64_t{1} << 31;
constexpr std::size_t kMostRows = 100'000;

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class Number>
Number param_as(const PlanRow& row, const std::string& param, Number fallback, const char* what) {
  const auto found = row.params.find(param);
  if (found == row.params.end()) return fallback;
  if (const auto value = parse<Number>(found->second)) return *value;
  throw std::invalid_argument(row.id + ": " + param + "=" + found->second + " is not " + what);
}

/// Turns records into rows and collects every mistake with its line.
class PlanReader {
 public:
  explicit PlanReader(std::string name) : name_(std::move(name)) {}

  std::vector<PlanRow> read(const std::vector<CsvRecord>& records) {
    if (records.empty()) mistake(1, "no header");
    if (!records.empty()) read_header(records[0]);
    finish();
    if (records.size() == 1) mistake(records[0].line, "no rows");
    if (records.size() > kMostRows) mistake(records[0].line, "more than " + std::to_string(kMostRows) + " rows");
    finish();
    std::vector<PlanRow> rows;
    for (std::size_t i = 1; i < records.size(); ++i) rows.push_back(read_row(records[i]));
    finish();
    return rows;
  }

 private:
  void mistake(int line, const std::string& what) {
    if (!mistakes_.empty()) mistakes_ += '\n';
    mistakes_ += name_ + ":" + std::to_string(line) + ": error: " + what;
  }
  void finish() const {
    if (!mistakes_.empty()) throw std::invalid_argument(mistakes_);
  }

  void read_header(const CsvRecord& header) {
    for (std::size_t i = 0; i < header.fields.size(); ++i) {
      const std::string& column = header.fields[i];
      if (column != kKernel && std::find(kColumns.begin(), kColumns.end(), column) == kColumns.end())
        mistake(header.line, "unknown column \"" + column + "\"");
      else if (!place_.emplace(column, i).second)
        mistake(header.line, "column \"" + column + "\" stands twice");
    }
    for (const char* column : {"id", "device", "op"})
      if (!place_.contains(column)) mistake(header.line, std::string("column \"") + column + "\" is missing");
    width_ = header.fields.size();
  }

  std::string field(const CsvRecord& record, std::string_view column) const {
    const auto found = place_.find(column);
    return found == place_.end() ? std::string() : record.fields[found->second];
  }

  std::int64_t whole(const CsvRecord& record, std::string_view column, std::int64_t low, std::int64_t fallback) {
    const std::string text = field(record, column);
    if (text.empty()) return fallback;
    const auto value = parse<std::int64_t>(text);
    if (value && *value >= low && *value <= kMostElements) return *value;
    mistake(record.line, std::string(column) + " \"" + text + "\" is no whole number from " + std::to_string(low) +
                             " to " + std::to_string(kMostElements));
    return fallback;
  }

  void read_params(const CsvRecord& record, PlanRow& row) {
    std::string_view rest = row_params_ = field(record, "params");
    while (!rest.empty()) {
      const std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || equals == 0)
        mistake(record.line, "params: \"" + std::string(pair) + "\" is not name=value");
      else if (!row.params.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
        mistake(record.line, "params: \"" + std::string(pair.substr(0, equals)) + "\" stands twice");
    }
  }

  PlanRow read_row(const CsvRecord& record) {
    PlanRow row;
    if (record.fields.size() != width_) {
      mistake(record.line, std::to_string(record.fields.size()) + " fields, the header has " + std::to_string(width_));
      return row;
    }
    row.id = field(record, "id");
    row.device = field(record, "device");
    row.op = field(record, "op");
    for (const auto& [column, text] : {std::pair{"id", &row.id}, {"device", &row.device}, {"op", &row.op}})
      if (text->empty()) mistake(record.line, std::string(column) + " is empty");
    if (!row.id.empty() && !ids_.insert(row.id).second) mistake(record.line, "id \"" + row.id + "\" stands twice");
    row.devices = static_cast<int>(whole(record, "devices", 1, 1));
    row.m = whole(record, "m", 1, 0);
    row.n = whole(record, "n", 1, 0);
    row.k = whole(record, "k", 1, 0);
    row.dtype = field(record, "dtype");
    row.pattern = field(record, "pattern");
    row.kernel = field(record, kKernel);
    if (const std::string text = field(record, "sparsity"); !text.empty()) {
      row.sparsity = parse<double>(text);
      if (!row.sparsity || !(*row.sparsity >= 0 && *row.sparsity <= 1))
        mistake(record.line, "sparsity \"" + text + "\" is no number from 0 to 1");
    }
    read_params(record, row);
    return row;
  }

  std::string name_, mistakes_, row_params_;
  std::map<std::string, std::size_t, std::less<>> place_;
  std::size_t width_ = 0;
  std::set<std::string> ids_;
};

std::string size_text(std::int64_t size) { return size == 0 ? std::string() : std::to_string(size); }

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

}  // namespace

std::int64_t PlanRow::integer(const std::string& param, std::int64_t fallback) const {
  return param_as(*this, param, fallback, "a whole number");
}

double PlanRow::number(const std::string& param, double fallback) const {
  return param_as(*this, param, fallback, "a number");
}

std::string PlanRow::text(const std::string& param, const std::string& fallback) const {
  const auto found = params.find(param);
  return found == params.end() ? fallback : found->second;
}

bool PlanRow::wants(std::string_view full_name) const {
  return kernel.empty() || full_name == kernel || full_name.substr(full_name.find(':') + 1) == kernel;
}

std::vector<PlanRow> read_plan_text(const std::string& text, const std::string& name) {
  std::vector<CsvRecord> records;
  try {
    records = read_csv(text);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(name + ":" + error.what());
  }
  return PlanReader(name).read(records);
}

std::vector<PlanRow> read_plan(const std::string& path) { return read_plan_text(read_whole(path), path); }

std::string params_text(const std::map<std::string, std::string>& params) {
  std::string text;
  for (const auto& [name, value] : params) text += (text.empty() ? "" : ";") + name + "=" + value;
  return text;
}

std::string plan_text(const std::vector<PlanRow>& rows) {
  std::vector<std::string> header(kColumns.begin(), kColumns.end());
  header.emplace_back(kKernel);
  std::string text = csv_line(header);
  for (const PlanRow& row : rows)
    text += csv_line({row.id, row.device, std::to_string(row.devices), row.op, size_text(row.m), size_text(row.n),
                      size_text(row.k), row.dtype, row.pattern, row.sparsity ? number_text(*row.sparsity) : "",
                      params_text(row.params), row.kernel});
  return text;
}

}  // namespace sparsesim::measure
