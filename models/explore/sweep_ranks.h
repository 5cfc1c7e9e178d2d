#pragma once
// A sweep on several ranks: the first deals positions out, every rank writes a file of its own, the first merges them
// (docs/cluster.md).

#include <atomic>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "models/explore/sweep_run.h"
#include "sim/cluster/ranks.h"

namespace sparsesim {

/// What ends a program: its exit code and what it says.
struct Failure {
  int code = 0;
  std::string text;
};
using DescribeFailure = std::function<Failure(const std::exception_ptr&)>;

/// What another rank could not do, as that rank describes it.
struct RankError : std::runtime_error {
  RankError(int exit_code, const std::string& text) : std::runtime_error(text), code(exit_code) {}
  int code;
};

/// What it cost the first rank to lead.
struct LeadCost {
  int ranks = 0, threads = 0;            // threads: of all ranks
  std::int64_t messages = 0, bytes = 0;  // received and sent
  double message_seconds = 0;            // of its processor: receiving, answering, sending
  double merge_seconds = 0;              // of the clock: merging the files of the others
};

/// Lets the other ranks go at the end of its life, however that came: each waits for it.
class Dismissal {
 public:
  explicit Dismissal(cluster::Ranks* ranks) : ranks_(ranks) {}  // null: there are no others
  ~Dismissal();
  Dismissal(const Dismissal&) = delete;
  Dismissal& operator=(const Dismissal&) = delete;

 private:
  cluster::Ranks* ranks_;
};

/// The first rank's part, under a Dismissal: as run_sweep(), with the work of all. `file` is that of `store`; those of
/// the others are beside it (sim/sweep/rank_files.h). Errors: as run_sweep(); RankError.
SweepOutcome lead_sweep(const sweep::Design& design, Study& study, sweep::Store& store, const std::string& file,
                        cluster::Ranks& ranks, const SweepOptions& options, LeadCost& cost);

/// Another rank's part: `prepare` reads what the first has read, once that is known to be good, and calls its argument
/// with it. Errors go to the first rank.
struct SweepInputs {
  const sweep::Design& design;
  Study& study;
};
using PrepareSweep = std::function<void(const std::function<void(const SweepInputs&)>& go_on)>;
void follow_sweep(const PrepareSweep& prepare, const std::string& file, cluster::Ranks& ranks,
                  const SweepOptions& options, const DescribeFailure& describe);

}  // namespace sparsesim
