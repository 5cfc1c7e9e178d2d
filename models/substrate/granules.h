#pragma once
// The head of a fingerprinted substrate file: what was measured of the machine's granules, as it was measured.

#include <map>
#include <string>
#include <vector>

#include "models/substrate/quantity.h"

namespace sparsesim {

/// What the machine does in pieces of, and what one piece costs: "cache line", "dispatch", "interconnect".
struct MeasuredGranule {
  std::string name;
  double size = 0;
  std::string unit;  // of the size: "B", "chunk"
  Quantity cost;     // s
  std::string remark;
};

/// One point of a curve: quantiles of the samples at x.
struct CurvePoint {
  double x = 0;
  double p10 = 0, p50 = 0, p90 = 0;
};

struct MeasuredCurve {
  std::string name;   // lower case, digits and underscores
  std::string title;  // one line for people
  std::string x_unit, y_unit;
  std::vector<CurvePoint> points;  // x rises
};

/// What `sparsesim fingerprint` puts at the head of a file; the models read the numbers below it, people read this.
struct MeasuredHead {
  std::string backend;  // cpu, cuda
  std::string device, date, clock;
  std::map<std::string, std::string> versions;  // what was running
  std::map<std::string, std::string> missing;   // what could not be measured, with the reason
  std::vector<MeasuredGranule> granules;
  std::vector<MeasuredCurve> curves;

  bool given() const { return !backend.empty(); }
};

}  // namespace sparsesim
