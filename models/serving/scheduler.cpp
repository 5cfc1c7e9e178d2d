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
  while (!waiting_.empty() && tokens > 0 && running() < limits_.max_sequences)
    if (!admit(sequences_[static_cast<std::size_t>(waiting_.front())], tokens, step)) return;
}

bool Scheduler::admit(Sequence& sequence, std::int64_t& tokens, std::vector<StepSequence>& step) {
  const std::int64_t known = sequence.known(), id = sequence.prefix.id;
  // One token at least is computed: its output is what is asked for.
  const std::int64_t sharable = limits_.prefix_caching ? std::min(sequence.prefix.tokens, known - 1) : 0;
  const std::int64_t hits = cache_.present(id, sharable / limits_.block), idle = cache_.idle_among(id, hits);
  const std::int64_t whole = known - hits * limits_.block;
  if (!limits_.chunked_prefill && whole > tokens) return false;
  const std::int64_t all = most_blocks_held(known, limits_.max_batched_tokens, limits_.block, limits_.window);
  if (limits_.admit_whole && all - (hits - idle) > blocks_.capacity() - blocks_.used()) return false;
  if (idle > blocks_.capacity() - blocks_.used()) return false;
  cache_.hold(id, hits);
  take(idle);
  sequence.blocks = sequence.shared = hits;
  sequence.computed = hits * limits_.block;
  const std::int64_t wanted = std::min(whole, tokens);
  if (!hold_blocks(sequence, wanted)) {
    release(sequence);
    return false;
  }
  asked_ += known;
  cached_ += sequence.computed;
  waiting_.pop_front();
  running_.push_back(sequence.request);
  place(sequence.request, wanted, step);
  tokens -= wanted;
  return true;
}

bool Scheduler::take(std::int64_t blocks) {
  if (!blocks_.take(blocks)) return false;
  cache_.keep_idle(blocks_.capacity() - blocks_.used());
  return true;
}

bool Scheduler::hold_blocks(Sequence& sequence, std::int64_t tokens) {
  const std::int64_t end = sequence.computed + tokens;
  const std::int64_t held = blocks_held(sequence.computed, end, limits_.block, limits_.window);
  if (held < sequence.blocks)
    blocks_.give_back(sequence.blocks - held);
  else if (!take(held - sequence.blocks))
    return false;
  sequence.blocks = held;
  // What this step computes others of the same step may use: layer by layer it is there before it is read. Who computes
  // what another one computes too keeps it for itself.
  const std::int64_t full = limits_.prefix_caching ? std::min(end, sequence.prefix.tokens) / limits_.block : 0;
  while (sequence.shared < full && cache_.add(sequence.prefix.id, sequence.shared)) ++sequence.shared;
  return true;
}

void Scheduler::release(Sequence& sequence) {
  const std::int64_t own = sequence.blocks - sequence.shared;
  blocks_.give_back(own + cache_.release(sequence.prefix.id, sequence.shared));
  sequence.blocks = sequence.shared = sequence.computed = 0;
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
  recomputed_ += sequence.computed;
  release(sequence);
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
    release(sequence);
    any = true;
  }
  if (any) std::erase_if(running_, [&](std::int64_t r) { return sequences_[static_cast<std::size_t>(r)].finished(); });
}

}  // namespace sparsesim
