#pragma once
// The substrate file that a backend writes of the machine it ran on: YAML text, standard library only.

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sparsesim::measure {

/// A measured number: its best estimate and the range of its low quantiles over visits.
struct Spread {
  double value = 0;
  double low = 0, high = 0;  // widened to hold the value; both 0: no range known
  double p50 = 0;            // median of all samples, for display; 0: not known
  int samples = 0, visits = 0;
};

/// One granule of the head: what the machine does in pieces of, and what one piece costs.
struct GranuleEntry {
  std::string name;  // "cache line", "dispatch", "interconnect"
  double size = 0;
  std::string unit;  // of the size: "B", "chunk", "FLOP"
  Spread cost;       // s
  std::string remark;
};

/// One point of a curve.
struct CurveEntry {
  double x = 0;
  double p10 = 0, p50 = 0, p90 = 0;
};

/// A measured curve of the head.
struct Curve {
  std::string name;   // "read_bandwidth": lower case, digits and underscores
  std::string title;  // one line for people
  std::string x_unit, y_unit;
  std::vector<CurveEntry> points;
};

/// Collects numbers, granules and curves, then writes them in the language of docs/substrates.md.
///
/// Every number is `measured` with source `this-machine`, unless said otherwise. The text loads as it stands: numbers
/// that were not measured come from `base`.
class SubstrateFile {
 public:
  SubstrateFile(std::string name, std::string title, std::string base);

  /// A number at its place in the file ("memory.dram.achieved"), in `unit` as docs/substrates.md lists them ("GB/s",
  /// "ns", "cycles", "B/cycle", "" for a plain number).
  void number(const std::string& path, const Spread& measured, const std::string& unit, const std::string& note = {});
  /// A number that is read, not timed: from cpuid or a driver; `kind` is spec or guessed.
  void fact(const std::string& path, const std::string& value, const std::string& kind, const std::string& note = {});
  /// A constant of a kernel of the library, in place of what the base's library says.
  void kernel_constant(const std::string& kernel, const std::string& constant, const Spread& measured,
                       const std::string& unit, const std::string& note = {});
  /// A kernel's shape, in place of what the base's library says: "tile" "[24, 4, 320]".
  void kernel_shape(const std::string& kernel, const std::string& what, const std::string& value);
  void granule(GranuleEntry granule);
  void curve(Curve curve);
  /// What was running: "oneDNN" "2.6.3".
  void version(const std::string& what, const std::string& version);
  /// The head's texts. `backend` is cpu or cuda, `date` YYYY-MM-DD, `clock` the state of clocks in words.
  void head(std::string backend, std::string device, std::string date, std::string clock);
  /// What could not be measured, with the reason.
  void missing(const std::string& what, const std::string& why);
  /// The citation behind `this-machine`; made of the head and the versions where none is given.
  void citation(std::string text);

  std::string text() const;

 private:
  std::string flow(const Spread& measured, const std::string& unit, const std::string& note) const;
  std::string head_text() const;
  std::string made_citation() const;

  std::string name_, title_, base_;
  std::string backend_, device_, date_, clock_, citation_;
  std::map<std::string, std::string> numbers_;                           // path -> flow map
  std::map<std::string, std::map<std::string, std::string>> constants_;  // kernel -> constant -> flow map
  std::vector<GranuleEntry> granules_;
  std::vector<Curve> curves_;
  std::vector<std::pair<std::string, std::string>> versions_, missing_;
};

/// `text` as a double-quoted YAML scalar.
std::string yaml_quoted(const std::string& text);
/// A whole number as it is, any other with six significant digits.
std::string yaml_number(double value);

}  // namespace sparsesim::measure
