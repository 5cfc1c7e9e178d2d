#include "models/evaluate/schedule.h"

#include <algorithm>
#include <utility>

namespace sparsesim {

Time Schedule::place(const WorkloadOp& op, const ProgramResult& result, std::int64_t passes, std::int64_t runs) {
  if (op.loop == 0 || op.loop != loop_) settle();
  loop_ = op.loop;
  Time start;
  for (int dependency : op.after) start = std::max(start, ends_[static_cast<std::size_t>(dependency)]);
  if (result.uses_devices) start = std::max(start, devices_);
  if (result.uses_fabric) start = std::max(start, fabric_);
  const Time duration = checked_product(result.time, passes);
  const Time end = checked_sum(start, duration);
  if (result.uses_devices) devices_ = end;
  if (result.uses_fabric) fabric_ = end;
  ends_.push_back(end);
  makespan_ = std::max(makespan_, end);
  if (!hosted_ || runs == 0) return start;
  // In a loop, devices do not stand still for an exchange alone: whether they do is the schedule's business.
  const bool in_passing = op.loop != 0 && !result.uses_devices;
  const HostedTime run =
      in_passing ? HostedTime{result.host, {}, result.host} : HostedTime{result.host, result.time, result.hosted};
  turns_.push_back({run, runs});
  turns_use_devices_ = turns_use_devices_ || result.uses_devices;
  if (op.loop != 0) return start;
  settle();
  return std::max(start, ends_.back() - duration);
}

void Schedule::settle() {
  if (turns_.empty()) return;
  const HostedTime all = in_turns(turns_);
  Time& stream = turns_use_devices_ ? devices_ : fabric_;
  stream = std::max(stream, checked_sum(host_, all.both));
  ends_.back() = std::max(ends_.back(), checked_sum(host_, all.both));
  makespan_ = std::max(makespan_, ends_.back());
  host_ = checked_sum(host_, all.host);
  turns_.clear();
  turns_use_devices_ = false;
}

Time Schedule::makespan() {
  settle();
  return makespan_;
}

OpIssue issue_of(const WorkloadOp& op, const Host& host) { return {host.cost(op.calls), host.cost(op.sparse_calls)}; }

}  // namespace sparsesim
