#include "validate/measure/harness/series.h"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "validate/measure/harness/csv.h"

namespace sparsesim::measure {
namespace {

/// Nanoseconds with all digits that a clock gives, joined with `;`.
std::string samples_text(const std::vector<double>& seconds) {
  std::string text;
  char number[32];
  for (const double s : seconds) {
    std::snprintf(number, sizeof number, "%s%.4f", text.empty() ? "" : ";", s * 1e9);
    text += number;
  }
  return text;
}

std::vector<double> read_samples(const std::string& text) {
  std::vector<double> seconds;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    double ns = 0;
    const auto [next, error] = std::from_chars(at, end, ns);
    if (error != std::errc{} || !(ns > 0)) throw std::invalid_argument("not a time");
    seconds.push_back(ns * 1e-9);
    at = next + (next < end);
  }
  return seconds;
}

}  // namespace

PartFile::PartFile(std::string path, std::string signature) : path_(std::move(path)), signature_(std::move(signature)) {
  if (!std::filesystem::exists(path_)) return;
  try {
    const std::vector<CsvRecord> records = read_csv(read_whole(path_));
    if (records.empty() || records[0].fields != std::vector<std::string>{"samples", signature_}) return;
    for (std::size_t i = 1; i < records.size(); ++i) {
      const auto& fields = records[i].fields;  // problem, visit, id, kernel, samples
      const auto visit = static_cast<std::size_t>(std::stoul(fields.at(1)));
      if (visit > 1000) throw std::invalid_argument("not a visit");
      ProblemSeries& series = problems_[fields[0]];
      Visits& visits = series.samples[{fields.at(2), fields.at(3)}];
      if (visits.size() <= visit) visits.resize(visit + 1);
      visits[visit] = read_samples(fields.at(4));
      series.visits_done = std::max(series.visits_done, static_cast<int>(visit) + 1);
    }
  } catch (const std::exception&) {  // torn or not ours: those visits are made again
    problems_.clear();
  }
}

void PartFile::write() const {
  std::string text = csv_line({"samples", signature_});
  bool any = false;
  for (const auto& [key, series] : problems_)
    for (const auto& [name, visits] : series.samples)
      for (std::size_t visit = 0; visit < visits.size(); ++visit) {
        if (visits[visit].empty()) continue;
        text += csv_line({key, std::to_string(visit), name.id, name.kernel, samples_text(visits[visit])});
        any = true;
      }
  if (any)
    write_whole(path_, text);
  else
    std::filesystem::remove(path_);
}

}  // namespace sparsesim::measure
