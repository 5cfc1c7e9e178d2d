#include "models/serving/dynamic_cost.h"

#include <algorithm>
#include <cmath>

#include "sim/core/random.h"

namespace sparsesim {
namespace {

constexpr std::size_t kWhole = SIZE_MAX;  // in place of a range

}  // namespace

DynamicTimes::DynamicTimes(const Model& model, const Substrate& substrate, std::uint64_t seed, int threads)
    : model_(model),
      substrate_(substrate),
      options_{seed, false, threads, {}},
      draws_(model, seed),
      ranges_(layer_ranges(model)) {
  for (std::int64_t i = 0; i < std::max<std::int64_t>(1, model.dynamics.routing_draws); ++i)
    ops_.push_back(std::make_shared<OpTimes>(substrate, seed + static_cast<std::uint64_t>(i), false, threads));
}

const std::shared_ptr<OpTimes>& DynamicTimes::ops_of(std::int64_t routes) const {
  return ops_[model_.dynamics.routes ? 0 : static_cast<std::size_t>(routes)];
}

PassTimes& DynamicTimes::at(const std::tuple<std::size_t, int, std::int64_t>& key, const Model& model,
                            std::optional<LayerRange> range) {
  auto& times = times_[key];
  if (!times) {
    PassTimesOptions options = options_;
    options.range = range;
    times = std::make_unique<PassTimes>(model, substrate_, options, ops_of(std::get<2>(key)));
  }
  return *times;
}

PassTimes& DynamicTimes::of(std::size_t range, int needed, std::int64_t routes) {
  const auto known = times_.find({range, needed, routes});
  if (known != times_.end()) return *known->second;
  const Model asked = with_needed_channels(model_, static_cast<double>(needed) / kChannelSteps);
  return at({range, needed, routes}, with_routes_of(asked, static_cast<std::uint64_t>(routes)), ranges_[range]);
}

PassTimes& DynamicTimes::whole(std::int64_t routes) { return at({kWhole, 0, routes}, model_, {}); }

double DynamicTimes::sum_of(const std::vector<ModelOp>& ops, std::int64_t routes) {
  OpTimes& times = *ops_of(routes);
  times.learn(ops);
  double sum = 0;
  for (const ModelOp& op : ops) sum += static_cast<double>(times.of(op).own.ps * op.kept());
  return sum;
}

std::map<std::string, std::string> DynamicTimes::fallbacks() const {
  std::map<std::string, std::string> all;
  for (const auto& ops : ops_) all.insert(ops->fallbacks().begin(), ops->fallbacks().end());
  return all;
}

DynamicStepCost::DynamicStepCost(DynamicTimes& times, std::span<const Request> requests, Time host, bool graphs)
    : times_(times), host_(host), graphs_(graphs) {
  for (const Request& request : requests) prompts_.push_back(request.input);
}

std::vector<PassSequence> DynamicStepCost::parts_of(std::span<const StepSequence> sequences) const {
  std::vector<PassSequence> parts;
  for (const StepSequence& s : sequences)
    parts.push_back(
        {s.request, s.queries, s.keys, std::min(s.keys, prompts_[static_cast<std::size_t>(s.request)]), s.decodes, 0});
  return parts;
}

/// Recorded steps in turns; draws by who is in the step, in whatever order.
std::int64_t DynamicStepCost::routes_of(std::span<const StepSequence> sequences) {
  if (const auto& recorded = times_.model().dynamics.routes) return steps_++ % recorded->steps();
  const std::int64_t draws = times_.model().dynamics.routing_draws;
  if (draws <= 1) return 0;
  std::uint64_t sum = 0;
  for (const StepSequence& s : sequences)
    sum += RandomStream(static_cast<std::uint64_t>(s.request) << 32 ^ static_cast<std::uint64_t>(s.keys)).bits();
  return RandomStream(sum).below(draws);
}

std::int64_t DynamicStepCost::padded(std::int64_t tokens) const {
  return graphs_ && tokens <= kLargestGraph ? padded_to_graph(tokens) : row_bracket(tokens).high;
}

PartTime DynamicStepCost::range_time(std::size_t range, const RangeWork& work, std::int64_t before,
                                     std::int64_t routes) {
  const Model& model = times_.model();
  const LayerRange& layers = times_.ranges()[range];
  const std::int64_t left = work.tokens > 0 ? padded(work.tokens) : 0;
  PartTime time;
  if (range > 0 && before > 0) time.sparse += times_.sum_of(decision_ops(model, layers, padded(before), left), routes);
  if (work.owed > 0) time.sparse += times_.sum_of(owed_ops(model, layers, padded(work.owed)), routes);
  if (work.tokens == 0) return time;
  std::vector<StepSequence> sequences;  // the head is that of the whole step
  for (const PassSequence& s : work.sequences) sequences.push_back({s.request, s.queries, s.keys, false, s.generated});
  const int needed = std::clamp(static_cast<int>(std::ceil(work.needed * DynamicTimes::kChannelSteps - 1e-9)), 1,
                                DynamicTimes::kChannelSteps);
  ModelStepCost cost(times_.of(range, needed, routes), ServedSide::sparse, {}, graphs_);
  cost.step(sequences);
  PartTime own = cost.totals().time;
  if (range > 0) own.kept = 0;  // the batch is another one
  return time.add(own, 1);
}

StepTime DynamicStepCost::step(std::span<const StepSequence> sequences) {
  const std::vector<PassSequence> parts = parts_of(sequences);
  const std::int64_t routes = routes_of(sequences);
  PartTime stage, head, send;
  std::int64_t tokens = 0, before = 0;
  for (std::size_t range = 0; range < times_.ranges().size(); ++range) {
    const RangeWork work = work_in_range(times_.model(), times_.draws(), times_.ranges()[range], parts);
    stage.add(range_time(range, work, before, routes), 1);
    before = work.tokens;
    if (range == 0) tokens = work.tokens;
  }
  const auto rows = std::count_if(sequences.begin(), sequences.end(), [](const StepSequence& s) { return s.samples; });
  PassTimes& whole = times_.whole(routes);
  if (rows > 0) head = whole.between(PassPart::head, {row_bracket(rows)});
  if (times_.model().parallel.pipeline > 1)
    send = whole.between(PassPart::send, {Bracket{padded(tokens), padded(tokens), 0}});
  totals_.time.add(stage, 1).add(head, 1);
  const bool captured = graphs_ && tokens <= kLargestGraph;
  const auto own = [&](const PartTime& time) { return part_time(time, ServedSide::sparse, captured); };
  totals_.host += static_cast<double>(host_.ps) + part_wait(stage, ServedSide::sparse, captured) +
                  part_wait(head, ServedSide::sparse, captured);
  return {host_, own(stage), own(head), own(send)};
}

StepTime CompareStepCost::step(std::span<const StepSequence> sequences) {
  other_->step(sequences);
  const StepTime time = own_->step(sequences);
  totals_ = own_->totals();
  totals_.time.sparse = other_->totals().time.sparse;
  totals_.time.kept = other_->totals().time.kept;
  return time;
}

}  // namespace sparsesim
