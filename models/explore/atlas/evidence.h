#pragma once
// Which measured rows stand behind a prediction: read from the page that `sparsesim validate --accuracy` writes.

#include <string>
#include <string_view>
#include <vector>

namespace sparsesim::atlas {

/// One family of measured rows: a line of the table "Time".
struct EvidenceRow {
  std::string op, pattern, device;
  int rows = 0;
  double mean_error = -1;  // per cent of the time; below 0 where no row has a time
};

/// How a figure is known.
enum class Known {
  measured,  // rows of this operation and pattern on this machine score the model
  related,   // on another machine with the same kernels
  facts,     // neither: published facts and kernels carried over
};

class Evidence {
 public:
  /// Reads a page; an empty path is no evidence. Errors: config::ConfigError for a file that cannot be read or has no
  /// such table.
  static Evidence read(const std::string& path);

  std::vector<std::string> devices() const;
  const std::vector<EvidenceRow>& rows() const { return rows_; }
  /// Rows on these devices of an op; an empty pattern: of all.
  int count(const std::vector<std::string>& devices, std::string_view op, std::string_view pattern) const;

 private:
  std::vector<EvidenceRow> rows_;
};

}  // namespace sparsesim::atlas
