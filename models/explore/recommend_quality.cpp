// Qualities of patterns that the user measured, beside the points they belong to.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "models/explore/recommend.h"
#include "sim/config/reader.h"
#include "sim/stats/csv.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kQualityBytesMost = 1 << 20;
constexpr double kJoined = 5e-4;  // shares are given to three digits: 0.667 is 1 - 1/3

class QualityFile {
 public:
  QualityFile(Recommendation& recommendation, std::string path)
      : recommendation_(recommendation), path_(std::move(path)) {
    for (const CandidateResult& entry : recommendation.candidates) {
      names_.insert(entry.candidate.family);
      for (const double level : compared_levels(0.95)) names_.insert(entry.candidate.name_at(level));
      for (const PatternPoint& point : entry.points) names_.insert(point.pattern);
    }
  }

  void read() {
    const std::string text = config::read_text_file(path_, kQualityBytesMost, diagnostics_);
    CsvReader reader(text, [&](int line, int column, const std::string& message, const std::string& hint) {
      diagnostics_.add({path_, line, column}, message, hint);
    });
    CsvRow row;
    if (!reader.next(row))
      diagnostics_.add({path_, 1, 1}, "no line with the names of the columns", kHint);
    else if (read_header(row))
      while (reader.next(row)) read_row(row);
    diagnostics_.throw_if_any();
  }

 private:
  static constexpr const char* kHint = "columns: pattern, sparsity, quality";

  void mistake(const CsvField& field, const std::string& message, std::string hint = {}) {
    diagnostics_.add({path_, field.line, field.column}, message, std::move(hint));
  }

  bool read_header(const CsvRow& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string& name = row[i].text;
      if (name != "pattern" && name != "sparsity" && name != "quality")
        mistake(row[i], fmt::format("unknown column \"{}\"", name), kHint);
      else if (!columns_.emplace(name, i).second)
        mistake(row[i], fmt::format("column \"{}\" is given twice", name));
    }
    if (diagnostics_.empty() && columns_.size() < 3) mistake(row.front(), "a column is missing", kHint);
    return diagnostics_.empty();
  }

  std::optional<double> number(const CsvField& field, std::string_view what, double low, double high) {
    double value = 0;
    const char* const end = field.text.data() + field.text.size();
    const auto [at, error] = std::from_chars(field.text.data(), end, value);
    if (error == std::errc() && at == end && std::isfinite(value) && value >= low && value <= high) return value;
    mistake(field, fmt::format("{} \"{}\" is no number{}", what, field.text,
                               high <= 1 ? fmt::format(" from {} to {}", low, high) : ""));
    return std::nullopt;
  }

  void read_row(const CsvRow& row) {
    if (row.size() != columns_.size())
      return mistake(row.front(), fmt::format("{} fields, but {} columns", row.size(), columns_.size()));
    const CsvField& pattern = row[columns_["pattern"]];
    const auto sparsity = number(row[columns_["sparsity"]], "sparsity", 0, 1);
    const auto quality = number(row[columns_["quality"]], "quality", -HUGE_VAL, HUGE_VAL);
    if (!names_.contains(pattern.text)) {
      const std::vector<std::string> known(names_.begin(), names_.end());
      const std::string near = config::nearest(pattern.text, known);
      return mistake(
          pattern, fmt::format("no pattern here is called \"{}\"", pattern.text),
          near.empty() ? fmt::format("known: {}", fmt::join(known, ", ")) : fmt::format("did you mean \"{}\"?", near));
    }
    if (!sparsity || !quality) return;
    const auto thousandths = std::lround(*sparsity * 1000);
    if (!seen_.emplace(pattern.text, thousandths).second)
      return mistake(pattern, fmt::format("{} at sparsity {} is given twice", pattern.text, *sparsity));
    for (CandidateResult& entry : recommendation_.candidates)
      for (PatternPoint& point : entry.points)
        if ((point.pattern == pattern.text || entry.candidate.family == pattern.text) &&
            std::abs(point.sparsity - *sparsity) <= kJoined)
          point.quality = *quality;
  }

  Recommendation& recommendation_;
  const std::string path_;
  std::set<std::string> names_;
  std::map<std::string, std::size_t> columns_;
  std::set<std::pair<std::string, long>> seen_;
  config::Diagnostics diagnostics_;
};

}  // namespace

void add_quality(Recommendation& recommendation, const std::string& path) {
  recommendation.has_quality = true;
  QualityFile(recommendation, path).read();
}

}  // namespace sparsesim
