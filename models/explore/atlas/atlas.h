#pragma once
// The atlas: what every machine makes of every kind of sparsity (docs/atlas.md is one, docs/atlas-method.md says how).

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "models/explore/atlas/points.h"
#include "models/explore/breakeven.h"
#include "models/explore/recommend.h"

namespace sparsesim::atlas {

/// Parts of the page; those left out cost nothing.
enum class Part { map, weights, units, generations, nodes, granules };
/// "map", "weights", ...; in the order of the page.
std::vector<std::string_view> part_names();

/// One way to leave work out on one machine.
struct Cell {
  Verdict verdict = Verdict::no_kernel;
  Known known = Known::facts;
  std::string granule;  // the one that decides a column of several: "32x32"
  std::string dtype;    // that ran
  double speedup = 1, ideal = 1;
  std::optional<Interval> interval;                  // of the speedup
  std::vector<std::pair<std::string, double>> lost;  // where the rest of the promise went; empty where not asked
  std::string reason;                                // of no kernel
  bool runs() const { return verdict != Verdict::no_kernel; }
};

/// A pattern of the weights of a projection at one number of rows.
struct WeightCell : Cell {                      // speedup and ideal: at the share of zeros where it is fastest
  double share = 0;                             // that share
  bool one_share = false;                       // the pattern has no other
  std::optional<double> pays, twice;            // least share from which on sparse is faster, and twice as fast
  std::optional<double> pays_early, pays_late;  // the ends of the range of `pays`; nothing: beyond the compared shares
};

/// Speedups along a parameter, and where sparse begins, or ends, to be faster than a target.
struct UnitCell {
  Known known = Known::facts;
  std::string dtype;
  std::string reason;            // why nothing runs; empty where something does
  std::vector<double> speedups;  // one per value of the question; 0 where that does not run
  Payoff verdict = Payoff::unknown;
  double crossing = 0;  // of Payoff::crosses: the value on the side that pays, beyond which nothing changes
};

/// Parts of a machine that are exchanged for those of the next generation.
inline constexpr std::array<std::string_view, 4> kExchanged = {"compute", "memory", "fixed costs", "kernels"};
/// A speedup on the old machine and on the new one, and what each part makes of it in the mean over all orders.
struct Step {
  double before = 1, after = 1;
  std::array<double, kExchanged.size()> factors{1, 1, 1, 1};  // multiply to after / before
};
struct Generation {
  std::size_t before = 0, after = 0;       // of machines
  std::vector<std::optional<Step>> steps;  // one per probe; nothing where one of the two has no kernel
};

struct MachineResult {
  std::vector<std::vector<WeightCell>> weights;  // [rows of activations][pattern]
  std::vector<Cell> kinds;                       // one per kind question
  std::vector<UnitCell> units;                   // one per unit question
  std::vector<Cell> nodes;                       // one per node question; of nodes alone
};

struct Atlas {
  Evidence evidence;
  std::vector<Machine> machines;
  std::vector<MachineResult> results;  // one per machine
  std::vector<Generation> generations;
  std::set<Part> parts;
};

struct AtlasOptions {
  std::set<Part> parts;                     // empty: all
  int threads = 0;                          // 0: one per processor
  const std::atomic<bool>* stop = nullptr;  // set: nothing comes back
  std::function<void(std::size_t done, std::size_t total)> progress = {};
};

/// Asks every machine everything. The outcome depends on neither threads nor what the results file held.
std::optional<Atlas> make_atlas(std::vector<Machine> machines, Evidence evidence, Points& points,
                                const AtlasOptions& options);

/// The page as GitHub shows it.
std::string format_markdown(const Atlas& atlas);

}  // namespace sparsesim::atlas
