#pragma once
// Steps of a served model, costed by simulating its ops: with its recipe, or without.

#include "models/serving/pass_times.h"
#include "models/serving/step_cost.h"

namespace sparsesim {

enum class ServedSide { dense, sparse };

/// Work of the steps so far, in picoseconds of one stage without the host.
struct StepTotals {
  PartTime time;
  double host = 0;  // of each step, and what devices wait for kernels to be issued
};

/// Picoseconds of a part. Where no graph is replayed a framework issues its kernels: it takes the longer of both.
Time part_time(const PartTime& time, ServedSide side, bool captured);
/// Of that, what the device waits for the host.
double part_wait(const PartTime& time, ServedSide side, bool captured);

/// A cost that adds up what it was asked.
class ServedCost : public StepCost {
 public:
  const StepTotals& totals() const { return totals_; }

 protected:
  StepTotals totals_;
};

/// The sum of a step's parts: its tokens, the attention of its sequences, the head.
///
/// Tokens of a step of up to 512 are padded to a captured size where there are graphs. All sequences that decode are
/// one call of attention of their mean number of keys; all prompts are one call of the mean number of queries and as
/// many keys before them as keep the number of scores. Several sides may share `times`.
class ModelStepCost : public ServedCost {
 public:
  ModelStepCost(PassTimes& times, ServedSide side, Time host, bool graphs)
      : times_(times), side_(side), host_(host), graphs_(graphs) {}
  StepTime step(std::span<const StepSequence> sequences) override;

 private:
  PartTime attention(std::span<const StepSequence> sequences);

  PassTimes& times_;
  const ServedSide side_;
  const Time host_;
  const bool graphs_;
};

}  // namespace sparsesim
