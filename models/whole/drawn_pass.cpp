#include "models/whole/drawn_pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "models/whole/op_text.h"

namespace sparsesim {
namespace {

double scores_of(const Model& model, const AttentionCall& call) {
  const auto batch = static_cast<double>(call.batch), q = static_cast<double>(call.queries);
  const auto k = static_cast<double>(call.keys);
  return batch * q * (model.shape.kind == ModelKind::encoder ? k : k - (q - 1) / 2);
}

/// What a range has to work on when everybody stays.
RangeWork whole_work(const std::vector<PassSequence>& sequences, std::int64_t tokens) {
  RangeWork work;
  work.sequences = sequences;
  work.tokens = work.owed = tokens;
  return work;
}

}  // namespace

DrawnPass::DrawnPass(const Model& model, const Pass& pass, std::string file)
    : model_(model), file_(std::move(file)), sequences_(sequences_of(model, pass)) {
  for (const PassSequence& sequence : sequences_) tokens_ += sequence.queries;
  for (Part& part : parts(nullptr, 0)) slots_.push_back({std::move(part.op), part.extra, part.fixed});
}

void DrawnPass::add_range(const Model& model, const LayerRange& range, const TokenDraws* draws, std::int64_t before,
                          std::vector<Part>& parts) const {
  const RangeWork work = draws ? work_in_range(model, *draws, range, sequences_) : whole_work(sequences_, tokens_);
  const auto add_extra = [&](std::vector<ModelOp> ops, std::int64_t tokens) {
    for (ModelOp& op : ops) parts.push_back({std::move(op), 1, tokens, true, false});
  };
  if (range.first > 0 && before > 0) add_extra(decision_ops(model, range, before, work.tokens), work.tokens);
  const auto& exit = model.dynamics.exit;
  const bool somebody_left = exit && !exit->layers.empty() && exit->layers.front() <= range.first;
  if (somebody_left && work.owed > 0) add_extra(owed_ops(model, range, work.owed), work.owed);
  if (work.tokens == 0) return;
  // In front of the first decision everybody is there: only the channels that tokens ask for differ.
  const bool everybody = range.first == 0;
  std::set<std::string> asking;
  for (const ModelOp& op : range_token_ops(with_needed_channels(model, 0.5), range, work.tokens))
    if (everybody) asking.insert(op.keys);
  const Model asked = with_needed_channels(model, work.needed);
  const double share = static_cast<double>(work.tokens) / static_cast<double>(tokens_);
  std::vector<Part> products;
  for (ModelOp& op : range_token_ops(asked, range, work.tokens)) {
    const bool routed = model.dynamics.routes && op.name.ends_with("experts");
    const bool fixed = !routed && asking.contains(op.keys);
    products.push_back({std::move(op), share, work.tokens, false, fixed});
  }
  std::vector<Part> attention;
  for (std::size_t call = 0; call <= sequences_.back().call; ++call) {
    std::vector<PassSequence> left, all;
    const auto of_call = [&](const PassSequence& s) { return s.call == call; };
    std::copy_if(work.sequences.begin(), work.sequences.end(), std::back_inserter(left), of_call);
    std::copy_if(sequences_.begin(), sequences_.end(), std::back_inserter(all), of_call);
    if (left.empty()) continue;
    const AttentionCall now = equal_call(model, left);
    const double scores = scores_of(model, now) / scores_of(model, equal_call(model, all));
    for (ModelOp& op : range_attention_ops(model, range, now)) {
      if (sequences_.back().call > 0) op.name += fmt::format(".{}", call + 1);
      attention.push_back({std::move(op), scores, work.tokens, false, everybody});
    }
  }
  // Attention stands in its place: behind the rotation, or the first product of an encoder.
  const auto place = std::find_if(products.begin(), products.end(),
                                  [](const Part& part) { return part.op.name.ends_with("attention.output"); });
  products.insert(place, std::make_move_iterator(attention.begin()), std::make_move_iterator(attention.end()));
  std::move(products.begin(), products.end(), std::back_inserter(parts));
}

std::vector<DrawnPass::Part> DrawnPass::parts(const TokenDraws* draws, std::uint64_t seed) const {
  const Model model = draws ? with_routes_of(model_, seed) : model_;
  std::vector<Part> all;
  std::int64_t before = tokens_;
  for (const LayerRange& range : layer_ranges(model_)) {
    add_range(model, range, draws, before, all);
    if (draws) before = work_in_range(model_, *draws, range, sequences_).tokens;
  }
  for (ModelOp& op : head_ops(model_, static_cast<std::int64_t>(sequences_.size())))
    all.push_back({std::move(op), 1, tokens_, false, true});
  return all;
}

DrawnPass::Drawn DrawnPass::at(const std::string& name, std::uint64_t seed) const {
  std::shared_ptr<const Ops> known;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = seeds_.find(seed); found != seeds_.end()) known = found->second;
  }
  if (!known) {
    const TokenDraws draws(model_, seed);
    Ops ops;
    for (const Part& part : parts(&draws, seed)) {
      const std::string& file = part.op.place.file.empty() ? file_ : part.op.place.file;
      ops.emplace(part.op.name, Drawn{read_op_text(part.op.keys, file), part.share, part.tokens});
    }
    known = std::make_shared<const Ops>(std::move(ops));
    const std::lock_guard lock(mutex_);
    if (seeds_.size() >= kSeedsKept) seeds_.clear();
    seeds_.emplace(seed, known);
  }
  const auto found = known->find(name);
  return found == known->end() ? Drawn{} : found->second;
}

Program DrawnOp::lower(const LowerContext& context) const {
  const auto drawn = pass_->at(name_, context.seed);
  if (!drawn.op) return {whole_->devices(), {}};
  if (drawn.op->pattern() == "dense") return drawn.op->lower_dense(context);
  try {
    return drawn.op->lower(context);
  } catch (const UnsupportedError&) {
    return drawn.op->lower_dense(context);
  }
}

Program DrawnOp::lower_dense(const LowerContext& context) const {
  if (extra_) return {whole_->devices(), {}};
  return whole_->lower_dense(context);
}

SparsitySummary DrawnOp::sparsity(const LowerContext& context) const {
  const auto drawn = pass_->at(name_, context.seed);
  if (!drawn.op) return {1, 1, 1, 1};
  if (extra_) return {.facts = {{"tokens", static_cast<double>(drawn.tokens)}}};
  SparsitySummary summary = drawn.op->sparsity(context);
  summary.declared = std::clamp(1 - drawn.share * (1 - summary.declared), 0.0, 1.0);
  return summary;
}

}  // namespace sparsesim
