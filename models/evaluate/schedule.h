#pragma once
// When the ops of a workload start, and when the whole ends.

#include <vector>

#include "models/evaluate/evaluate.h"
#include "models/evaluate/host.h"
#include "models/evaluate/program_player.h"
#include "models/evaluate/workload.h"

namespace sparsesim {

/// An op waits for its dependencies and for the streams it needs (one for kernels, one for exchanges), so that an
/// exchange can hide behind an independent kernel. With a host none ends before its work was issued; ops of a loop are
/// issued in turns (docs/models/host.md). Errors: std::overflow_error beyond 106 days.
class Schedule {
 public:
  explicit Schedule(bool hosted) : hosted_(hosted) {}
  /// The op's start; in a loop as if nothing was late. `passes` times its time on the device, of which `runs` are
  /// issued.
  Time place(const WorkloadOp& op, const ProgramResult& result, std::int64_t passes, std::int64_t runs);
  Time makespan();

 private:
  /// The ops of the loop so far, against the host.
  void settle();

  const bool hosted_;
  std::vector<Time> ends_;
  Time devices_, fabric_, makespan_;
  Time host_;                      // when all before the loop was issued
  std::vector<HostedRuns> turns_;  // of the loop
  bool turns_use_devices_ = false;
  int loop_ = 0;
};

/// What an op of a workload asks of `host`.
OpIssue issue_of(const WorkloadOp& op, const Host& host);

}  // namespace sparsesim
