#pragma once
// The words that the ranks of a sweep exchange (docs/cluster.md has the table), and what they have in common. Private
// to this folder.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "models/explore/sweep_crew.h"
#include "models/explore/sweep_run.h"
#include "sim/cluster/ranks.h"

namespace sparsesim {

enum class Word : int {
  // of the first rank
  begin,  // points of the sweep; a broadcast of the keys of known points follows
  work,   // runs of positions
  end,    // no further position: finish and say done
  bye,    // all is merged
  // of the others
  ready,     // key of the inputs, threads
  ask,       // a report
  stopping,  // a signal came
  done       // the last report; the file is closed
};

/// What another rank says when it asks and when it is done.
struct RankReport {
  CrewReport crew;
  std::int64_t wanted = 0;
  bool has_file = false;       // done: it wrote one
  int exit_code = 0;           // done: not 0 where it failed
  std::int64_t position = -1;  // of the failure, as in CrewFailure
  std::string text;            // of the failure
};

cluster::Message report_message(Word word, const RankReport& report);
RankReport report_of(const cluster::Message& message);

cluster::Message work_message(const Runs& runs);
Runs runs_of(const cluster::Message& message);

inline Word word_of(const cluster::Message& message) { return static_cast<Word>(message.kind); }
inline cluster::Message message_of(Word word, std::vector<std::int64_t> numbers = {}) {
  return {static_cast<int>(word), std::move(numbers), {}};
}

/// The key of a point as a number, and back.
std::int64_t number_of_key(const std::string& key);
std::string key_of_number(std::int64_t number);

/// Differs where the ranks were given different sweeps, files or versions; as far as the first point shows it.
std::int64_t inputs_key(const sweep::Design& design, Study& study);

/// Seconds of work that a rank likes to have before it: 50 ms, and more where more than 50 ranks ask, so that they do
/// not keep the first rank from its work: it hears of each twice in that time.
inline double work_at_hand(const cluster::Ranks& ranks) { return std::max(0.05, 0.001 * ranks.count()); }

int threads_of(const cluster::Ranks& ranks, const SweepOptions& options);

/// How long to wait before the next look at messages: longer and longer while nothing happens.
class Pause {
 public:
  void something_happened() { next_ = kSoon; }
  /// Busy: nobody waits for an answer.
  std::chrono::microseconds next(bool busy = false);

 private:
  // A look costs some microseconds, so that a look per millisecond takes 1 % of a processor.
  static constexpr std::chrono::microseconds kSoon{50}, kSeldom{1000}, kBusy{5000};
  std::chrono::microseconds next_ = kSoon;
};

}  // namespace sparsesim
