#include "validate/measure/harness/results.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <tuple>

#include "validate/measure/harness/csv.h"

namespace sparsesim::measure {
namespace {

const std::vector<std::string> kHeader = {"id",       "device",  "devices",     "op",       "m",      "n",
                                          "k",        "dtype",   "pattern",     "sparsity", "params", "kernel",
                                          "baseline", "time_us", "baseline_us", "speedup",  "source", "note"};
constexpr std::size_t kPlanColumns = 12;  // the first of them are a plan's

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string time_text(double us) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", us);
  return text.data();
}

/// The plan's part of a result as it stands in a line of both files.
std::vector<std::string> plan_fields(const PlanRow& row) { return read_csv(plan_text({row})).at(1).fields; }

auto work(const PlanRow& row) {
  return std::tie(row.device, row.devices, row.op, row.m, row.n, row.k, row.dtype, row.pattern, row.sparsity,
                  row.params);
}

/// Whether a result's id is one that the plan's row gives: its own, or with the kernel's name behind it.
bool same_id(const PlanRow& planned, const PlanRow& measured) {
  return measured.id == planned.id ||
         (planned.kernel.empty() &&
          measured.id == planned.id + "-" + measured.kernel.substr(measured.kernel.find(':') + 1));
}

}  // namespace

Results::Results(std::string path) : path_(std::move(path)) {
  if (!std::filesystem::exists(path_)) return;
  const auto fail = [&](int line, const std::string& what) {
    throw std::invalid_argument(path_ + ":" + std::to_string(line) + ": error: " + what);
  };
  const std::vector<CsvRecord> records = read_csv(read_whole(path_));
  if (records.empty()) return;
  if (records[0].fields != kHeader) fail(1, "not written by this program: other columns; name another file");
  for (std::size_t i = 1; i < records.size(); ++i) {
    const std::vector<std::string>& fields = records[i].fields;
    if (fields.size() != kHeader.size()) fail(records[i].line, "another number of fields than the header");
    const auto join = [](const std::vector<std::string>& parts) { return csv_line(parts); };
    const std::string plan =
        join({kHeader.begin(), kHeader.begin() + kPlanColumns}) + join({fields.begin(), fields.begin() + kPlanColumns});
    const auto time = number(fields[13]);
    if (!time || !(*time > 0)) fail(records[i].line, "time_us \"" + fields[13] + "\" is no time");
    put({read_plan_text(plan, path_).at(0), fields[12], *time, number(fields[14]), fields[16], fields[17]});
  }
}

bool Results::has(const PlanRow& row, const std::string& provenance) const {
  return std::any_of(rows_.begin(), rows_.end(), [&](const Result& result) {
    return same_id(row, result.row) && row.wants(result.row.kernel) && work(row) == work(result.row) &&
           result.source.substr(0, result.source.rfind("; ")) == provenance;
  });
}

void Results::put(Result result) {
  const auto [place, added] = place_.emplace(result.row.id, rows_.size());
  if (added)
    rows_.push_back(std::move(result));
  else
    rows_[place->second] = std::move(result);
}

void Results::write() const {
  std::string text = csv_line(kHeader);
  for (const Result& result : rows_) {
    std::vector<std::string> fields = plan_fields(result.row);
    fields.insert(fields.end(),
                  {result.baseline, time_text(result.time_us), result.baseline_us ? time_text(*result.baseline_us) : "",
                   "", result.source, result.note});
    text += csv_line(fields);
  }
  write_whole(path_, text);
}

std::string source_text(const std::string& provenance, const std::string& date) { return provenance + "; " + date; }

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &utc);
  return text.data();
}

}  // namespace sparsesim::measure
