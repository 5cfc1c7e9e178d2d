#pragma once
// What an atlas asks: one row per column of the page.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/explore/atlas/atlas.h"

namespace sparsesim::atlas {

/// Rows of activations of the projection: one request, a batch in decode, a large one, a prompt.
std::span<const std::int64_t> projection_rows();
inline constexpr std::size_t kDecode = 1, kPrefill = 3;  // of projection_rows(): those of the maps
/// Most zeros that the atlas looks at.
inline constexpr double kMostZeros = 0.95;

/// A column of the tables of weights.
struct WeightPattern {
  std::string_view title;   // "vectors 8x1"
  std::string_view column;  // of the map, where several stand together: "vectors"
  PatternCandidate candidate;
};
const std::vector<WeightPattern>& weight_patterns();
/// The projection with its weights in the pattern. Empty `set` where the pattern does not have that share.
Question projection(const WeightPattern& pattern, std::int64_t rows, double share, const std::string& dtype);

/// A column of the maps that is no pattern of weights.
struct KindQuestion {
  std::string_view title, what;  // for the head of the column, and one line that says what is asked
  std::string_view kind;         // row of sparsity_kinds()
  std::string_view workload;
  std::string_view dtype;  // the path that is set to the machine's type; empty: the file's own is kept
  std::vector<std::pair<std::string, std::string>> set = {};
  std::string_view op, pattern;  // of measured rows that score it; empty op: none can
  bool prefill = false;
};
const std::vector<KindQuestion>& kind_questions();

/// A parameter along which speedup is shown.
struct UnitQuestion {
  std::string_view title, what, workload, dtype, over;
  std::vector<std::pair<std::string, std::string>> set = {};
  std::vector<double> values;  // ascending
  double step = 1;             // of the search between two of them
  double target = 1;
  bool upward = true;  // sparse wins above the crossing
  std::string_view op = {}, pattern = {};
  std::string_view crossing;  // head of its column
};
const std::vector<UnitQuestion>& unit_questions();
Question at_value(const UnitQuestion& question, double value, const std::string& dtype);

/// A column of the table of nodes: the experts of one layer over its devices.
struct NodeQuestion {
  std::string_view title;
  std::int64_t tokens = 0;
};
const std::vector<NodeQuestion>& node_questions();
inline constexpr int kNodeExperts = 64;
Question on_node(const NodeQuestion& question, int devices, const std::string& dtype);

/// A speedup that is followed from one generation to the next.
struct Probe {
  std::string_view title;
  std::size_t pattern = 0;  // of weight_patterns(), for those of weights
  std::int64_t rows = 0;
  double share = 0;
  int kind = -1;  // of kind_questions(), for the others
  /// Whether it is asked of a few tokens, not of a prompt.
  bool decode() const { return kind < 0 ? rows < 4096 : !kind_questions()[static_cast<std::size_t>(kind)].prefill; }
};
const std::vector<Probe>& probes();

}  // namespace sparsesim::atlas
