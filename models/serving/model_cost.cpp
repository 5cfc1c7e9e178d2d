#include "models/serving/model_cost.h"

#include <algorithm>
#include <cmath>

namespace sparsesim {
namespace {

/// Keys before a chunk: 0 is a point of its grid, and 64 to 128 the first cell of its scale.
Bracket context_bracket(double context) {
  constexpr std::int64_t kFirst = 64;
  const Bracket shifted = scale_bracket(context + kFirst);
  return {shifted.low - kFirst, shifted.high - kFirst, shifted.weight};
}

}  // namespace

double part_wait(const PartTime& time, ServedSide side, bool captured) {
  if (captured) return 0;
  return std::max(0.0, side == ServedSide::dense ? time.dense_host - time.dense : time.sparse_host - time.sparse);
}

Time part_time(const PartTime& time, ServedSide side, bool captured) {
  const double device = side == ServedSide::dense ? time.dense : time.sparse;
  return {std::llround(device + part_wait(time, side, captured))};
}

PartTime ModelStepCost::attention(std::span<const StepSequence> sequences) {
  const std::int64_t window = times_.model().shape.window;
  double decoding = 0, decoded_keys = 0, prompts = 0, queries = 0, scores = 0;
  for (const StepSequence& sequence : sequences) {
    const auto q = static_cast<double>(sequence.queries), k = static_cast<double>(sequence.keys);
    if (sequence.queries == 1) {
      ++decoding;
      decoded_keys += window > 0 ? std::min(k, static_cast<double>(window)) : k;
    } else {
      ++prompts;
      queries += q;
      scores += q * (k - q / 2);
    }
  }
  PartTime time;
  if (decoding > 0) {
    const double before = decoded_keys / decoding - 1;
    time.add(times_.between(PassPart::attention, {scale_bracket(decoding), Bracket{1, 1, 0}, context_bracket(before)}),
             1);
  }
  if (prompts > 0) {
    const double mean = queries / prompts, before = std::max(0.0, scores / queries - mean / 2);
    time.add(
        times_.between(PassPart::attention, {scale_bracket(prompts), scale_bracket(mean), context_bracket(before)}), 1);
  }
  return time;
}

StepTime ModelStepCost::step(std::span<const StepSequence> sequences) {
  std::int64_t tokens = 0, rows = 0;
  for (const StepSequence& sequence : sequences) {
    tokens += sequence.queries;
    rows += sequence.samples ? 1 : 0;
  }
  const std::int64_t padded = padded_to_graph(tokens);
  const bool captured = graphs_ && tokens <= kLargestGraph;
  const Bracket size = captured ? Bracket{padded, padded, 0} : row_bracket(tokens);
  PartTime stage = times_.between(PassPart::tokens, {size});
  stage.add(attention(sequences), 1);
  PartTime head, send;
  if (rows > 0) head = times_.between(PassPart::head, {row_bracket(rows)});
  if (times_.model().parallel.pipeline > 1) send = times_.between(PassPart::send, {size});
  totals_.time.add(stage, 1).add(head, 1);
  totals_.host += static_cast<double>(host_.ps) + part_wait(stage, side_, captured) + part_wait(head, side_, captured);
  const auto own = [&](const PartTime& time) { return part_time(time, side_, captured); };
  return {host_, own(stage), own(head), own(send)};
}

}  // namespace sparsesim
