#pragma once
// Continuous batching of one replica, as vLLM's V1 scheduler does it (docs/serving.md).

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "models/serving/kv_blocks.h"
#include "models/serving/prefix_cache.h"
#include "models/serving/request.h"
#include "models/serving/step_cost.h"

namespace sparsesim {

struct SchedulerLimits {
  std::int64_t max_batched_tokens = 8192;  // of a step
  std::int64_t max_sequences = 256;        // that run at one time
  bool chunked_prefill = true;             // a prompt may be spread over steps
  bool admit_whole = true;                 // a request waits until blocks for all of its tokens are free
  std::int64_t block = 16;                 // tokens of a block of keys and values
  std::int64_t blocks = 0;                 // that there are
  std::int64_t window = 0;                 // keys that a token sees at most; 0: all
  bool prefix_caching = true;              // blocks of equal first tokens are shared, and kept while nobody needs them
};

/// How far a request is.
struct Sequence {
  std::int64_t request = 0;
  std::int64_t input = 1, output = 1;
  std::int64_t computed = 0;   // tokens whose keys and values are kept
  std::int64_t generated = 0;  // tokens
  std::int64_t blocks = 0;     // held
  std::int64_t preemptions = 0;
  bool in_flight = false;   // in a step that has not ended
  bool begun = false;       // it was in a step
  Prefix prefix = {};       // that it may share
  std::int64_t shared = 0;  // of its blocks, the first ones: they are in the cache of prefixes
  std::int64_t known() const { return input + generated; }
  bool finished() const { return generated == output; }
};

/// Admits requests first come first served; each step serves running sequences first, in order of admission, then
/// starts new ones while tokens, places and blocks last. Where blocks run out, the sequence admitted last gives up its
/// own and starts again at the head of the queue: its prompt and what it generated are then computed anew.
class Scheduler {
 public:
  /// `sequences` are all requests of the run, by number; they outlive the scheduler.
  Scheduler(const SchedulerLimits& limits, std::vector<Sequence>& sequences)
      : limits_(limits), sequences_(sequences), blocks_(limits.blocks) {}

  void add(std::int64_t request) { waiting_.push_back(request); }
  /// The next step; empty where nothing can run. Its sequences are in flight until finish_step().
  std::vector<StepSequence> next_step();
  /// Takes the results of a step. Sequences whose last token came leave; finished() of those is true afterwards.
  void finish_step(std::span<const StepSequence> step);

  std::int64_t waiting() const { return static_cast<std::int64_t>(waiting_.size()); }
  std::int64_t running() const { return static_cast<std::int64_t>(running_.size()); }
  const KvBlocks& blocks() const { return blocks_; }
  std::int64_t preemptions() const { return preemptions_; }
  /// Tokens that preemptions gave up: computed, or found in the cache, once more.
  std::int64_t recomputed_tokens() const { return recomputed_; }
  /// Known tokens of requests when they were admitted, and of them those whose keys and values were there.
  std::int64_t asked_tokens() const { return asked_; }
  std::int64_t cached_tokens() const { return cached_; }

 private:
  void serve_running(std::int64_t& tokens, std::vector<StepSequence>& step);
  void admit_waiting(std::int64_t& tokens, std::vector<StepSequence>& step);
  bool admit(Sequence& sequence, std::int64_t& tokens, std::vector<StepSequence>& step);
  bool hold_blocks(Sequence& sequence, std::int64_t tokens);
  bool take(std::int64_t blocks);
  void release(Sequence& sequence);
  /// Makes room for `sequence` by preempting those admitted after it; false where it was preempted itself.
  bool make_room(std::int64_t request, std::int64_t tokens);
  void preempt(std::int64_t request);
  void place(std::int64_t request, std::int64_t tokens, std::vector<StepSequence>& step);

  const SchedulerLimits limits_;
  std::vector<Sequence>& sequences_;
  KvBlocks blocks_;  // a shared block counts once, an idle one of the cache is free
  PrefixCache cache_;
  std::deque<std::int64_t> waiting_;   // requests, the next one first
  std::vector<std::int64_t> running_;  // in order of admission
  bool preempted_ = false;             // in the step that is being made
  std::int64_t preemptions_ = 0, recomputed_ = 0, asked_ = 0, cached_ = 0;
};

}  // namespace sparsesim
