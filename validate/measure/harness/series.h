#pragma once
// Samples of unfinished rows, kept beside the results so that an interrupted run loses at most one visit.

#include <map>
#include <string>
#include <tuple>

#include "validate/measure/harness/estimator.h"

namespace sparsesim::measure {

/// Whose samples: a kernel of a row, or (id empty) a dense candidate of the problem.
struct SeriesKey {
  std::string id, kernel;
  auto operator<=>(const SeriesKey&) const = default;
};

/// All samples of one problem.
struct ProblemSeries {
  int visits_done = 0;
  std::map<SeriesKey, Visits> samples;
};

/// Samples by problem key, in a file of their own.
class PartFile {
 public:
  /// `signature` says under which conditions samples belong together; a file with another one is left aside.
  PartFile(std::string path, std::string signature);
  ProblemSeries& problem(const std::string& key) { return problems_[key]; }
  void finished(const std::string& key) { problems_.erase(key); }
  /// Writes what is there, or removes the file where nothing is.
  void write() const;

 private:
  std::string path_, signature_;
  std::map<std::string, ProblemSeries> problems_;
};

}  // namespace sparsesim::measure
