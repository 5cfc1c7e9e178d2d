#pragma once
// What the pattern of a mask is worth on a machine, without a run: counts on the real mask, and bounds that follow.

#include <optional>
#include <string>
#include <vector>

#include "models/sparsity/granule_use.h"
#include "models/sparsity/pattern_fit.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// One granule, in weights.
struct GranuleLine {
  std::string name;
  Granule granule;
  std::string remark;
  double granules = 0, occupied = 0;
  double fill = 0;             // share of the places of occupied granules that are stored
  double share_at_random = 0;  // of the granules, if as many places were stored at random
  double free_zeros = 0;       // share of the zeros that lie in free granules

  double share() const { return granules > 0 ? occupied / granules : 0; }
};

/// Groups of neighbouring rows that one task owns.
struct BalanceLine {
  std::string name;
  std::int64_t rows = 1;
  RowBalance balance;
};

/// A kind of sparsity that a kernel could use the mask as, and bounds of its speedup: nothing but the rate of the pipe
/// and the bytes of the weights is counted, so a run is slower.
struct KindLine {
  std::string kind;
  double work = 1;     // share of the dense multiply-adds that are left
  double dropped = 0;  // share of the stored weights that would have to go; 0: the mask is of this kind
  double compute = 1;  // speedup at most where arithmetic binds; without a machine 1 / work
  double memory = 1;   // the same where the bytes of the weights bind
  double fill = 0;     // share of the weights to multiply that are not zero
};

struct Inspection {
  std::string file, substrate, dtype;
  std::int64_t rows = 0, columns = 0;  // in weights
  std::int64_t block_rows = 1, block_columns = 1;
  double density = 0;
  std::int64_t stored = 0;  // places of the file: blocks, where it holds blocks
  FreeLines free;
  Band band;
  std::vector<GranuleLine> granules;
  std::vector<BalanceLine> balance;
  std::vector<KindLine> kinds;
  std::optional<double> aligned_cache, aligned_dispatch, quick_estimate;  // as docs/output.md has them

  double sparsity() const { return 1 - density; }
  /// The kind with the highest bound among those that the mask is of. `field` is &KindLine::compute or ::memory.
  const KindLine& best(double KindLine::*field) const;
  /// Kinds with a higher bound than the best, for which no more than near_share of the stored weights would have to go.
  std::vector<const KindLine*> near() const;
  static constexpr double near_share = 0.05;
  /// Share of the matrix from which on a band is none.
  static constexpr double band_most = 0.95;
};

struct InspectionOptions {
  std::string file;
  std::string dtype = "fp16";            // of the weights
  Granule block;                         // weights that one stored place stands for
  const Substrate* substrate = nullptr;  // absent: blocks and kinds alone
};

/// Counts and bounds; docs/patterns.md says how each is computed. Errors: UnsupportedError for an unknown type.
Inspection inspect(const Mask& mask, const InspectionOptions& options);

/// A share in percent, to a tenth; nearer to 0 and 100 to a hundredth, so that it is not taken for them: "99.98 %",
/// "< 0.01 %".
std::string percent_text(double share);

/// For people, and one JSON object with the same numbers.
std::string format_table(const Inspection& inspection);
std::string format_json(const Inspection& inspection);

}  // namespace sparsesim
