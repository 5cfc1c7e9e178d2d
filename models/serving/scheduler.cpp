#include "models/serving/scheduler.h"

#include <algorithm>

namespace sparsesim {

std::vector<StepSequence> Scheduler::next_step() {
  std::vector<StepSequence> step;
  std::int64_t tokens = limits_.max_batched_tokens;
  preempted_ = false;
  serve_running(tokens, step);
  if (!preempted_) admit_waiting(tokens, step);  // what was preempted would come straight back
  return step;
}

void Scheduler::serve_running(std::int64_t& tokens, std::vector<StepSequence>& step) {
  step.reserve(running_.size());
  // The list may get shorter on the way: preemption takes sequences off its end.
  for (std::size_t i = 0; i < running_.size() && tokens > 0; ++i) {
    const std::int64_t request = running_[i];
    const Sequence& sequence = sequences_[static_cast<std::size_t>(request)];
    if (sequence.in_flight) continue;
    const std::int64_t wanted = std::min(sequence.known() - sequence.computed, tokens);
    if (!make_room(request, wanted)) return;
    place(request, wanted, step);
    tokens -= wanted;
  }
}

void Scheduler::admit_waiting(std::int64_t& tokens, std::vector<StepSequence>& step) {
  while (!waiting_.empty() && tokens > 0 && running() < limits_.max_sequences) {
    const std::int64_t request = waiting_.front();
    Sequence& sequence = sequences_[static_cast<std::size_t>(request)];
    const std::int64_t whole = sequence.known() - sequence.computed;
    if (!limits_.chunked_prefill && whole > tokens) return;
    const std::int64_t wanted = std::min(whole, tokens);
    const std::int64_t all =
        most_blocks_held(sequence.known(), limits_.max_batched_tokens, limits_.block, limits_.window);
    if (limits_.admit_whole && all > blocks_.capacity() - blocks_.used()) return;
    if (!hold_blocks(sequence, wanted)) return;
    waiting_.pop_front();
    running_.push_back(request);
    place(request, wanted, step);
    tokens -= wanted;
  }
}

bool Scheduler::hold_blocks(Sequence& sequence, std::int64_t tokens) {
  const std::int64_t held = blocks_held(sequence.computed, sequence.computed + tokens, limits_.block, limits_.window);
  if (held < sequence.blocks)
    blocks_.give_back(sequence.blocks - held);
  else if (!blocks_.take(held - sequence.blocks))
    return false;
  sequence.blocks = held;
  return true;
}

bool Scheduler::make_room(std::int64_t request, std::int64_t tokens) {
  Sequence& sequence = sequences_[static_cast<std::size_t>(request)];
  while (!hold_blocks(sequence, tokens)) {
    const auto last = std::find_if(running_.rbegin(), running_.rend(), [&](std::int64_t other) {
      return !sequences_[static_cast<std::size_t>(other)].in_flight;
    });
    const std::int64_t victim = *last;
    running_.erase(std::next(last).base());
    preempt(victim);
    if (victim == request) return false;
  }
  return true;
}

void Scheduler::preempt(std::int64_t request) {
  Sequence& sequence = sequences_[static_cast<std::size_t>(request)];
  blocks_.give_back(sequence.blocks);
  recomputed_ += sequence.computed;
  sequence.blocks = sequence.computed = 0;
  ++sequence.preemptions;
  ++preemptions_;
  preempted_ = true;
  waiting_.push_front(request);
}

void Scheduler::place(std::int64_t request, std::int64_t tokens, std::vector<StepSequence>& step) {
  Sequence& sequence = sequences_[static_cast<std::size_t>(request)];
  const std::int64_t keys = sequence.computed + tokens;
  const bool last = keys == sequence.known();
  sequence.in_flight = true;
  step.push_back({request, tokens, keys, last, last && tokens == 1 && sequence.generated > 0});
}

void Scheduler::finish_step(std::span<const StepSequence> step) {
  bool any = false;
  for (const StepSequence& part : step) {
    Sequence& sequence = sequences_[static_cast<std::size_t>(part.request)];
    sequence.in_flight = false;
    sequence.computed += part.queries;
    if (!part.samples) continue;
    ++sequence.generated;
    if (!sequence.finished()) continue;
    blocks_.give_back(sequence.blocks);
    sequence.blocks = 0;
    any = true;
  }
  if (any) std::erase_if(running_, [&](std::int64_t r) { return sequences_[static_cast<std::size_t>(r)].finished(); });
}

}  // namespace sparsesim
