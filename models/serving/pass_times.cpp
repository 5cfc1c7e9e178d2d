#include "models/serving/pass_times.h"

#include <algorithm>

namespace sparsesim {
namespace {

std::vector<ModelOp> send_ops(const Model& model, std::int64_t tokens) {
  std::vector<ModelOp> sends;
  for (ModelOp& op : latency_ops(model, {{AttentionCall{1, tokens, tokens}}})) {
    if (!op.name.starts_with("stage.")) continue;
    op.repeat = 1;
    sends.push_back(std::move(op));
  }
  return sends;
}

}  // namespace

PartTime& PartTime::add(const PartTime& other, double weight) {
  dense += weight * other.dense;
  sparse += weight * other.sparse;
  kept += weight * other.kept;
  dense_host += weight * other.dense_host;
  sparse_host += weight * other.sparse_host;
  return *this;
}

PassTimes::PassTimes(const Model& model, const Substrate& substrate, const PassTimesOptions& options,
                     std::shared_ptr<OpTimes> shared)
    : model_(model),
      dense_(unpruned(model)),
      options_(options),
      times_(shared ? std::move(shared)
                    : std::make_shared<OpTimes>(substrate, options.seed, options.every_expert, options.threads)) {}

std::vector<ModelOp> PassTimes::ops_of(const Model& model, const Point& point) const {
  const auto& [part, sizes] = point;
  const AttentionCall call{sizes[0], sizes[1], sizes[1] + sizes[2]};
  if (options_.range && part == PassPart::tokens) return range_token_ops(model, *options_.range, sizes[0]);
  if (options_.range && part == PassPart::attention) return range_attention_ops(model, *options_.range, call);
  switch (part) {
    case PassPart::tokens:
      return token_ops(model, sizes[0]);
    case PassPart::attention:
      return attention_ops(model, call);
    case PassPart::head:
      return head_ops(model, sizes[0]);
    default:
      return send_ops(model, sizes[0]);
  }
}

PartTime PassTimes::sum_of(const std::vector<ModelOp>& dense, const std::vector<ModelOp>& sparse) const {
  PartTime sum;
  std::map<std::string, std::int64_t> in_dense;
  for (const ModelOp& op : dense) {
    const OpTime& time = times_->of(op);
    sum.dense += static_cast<double>((options_.every_expert ? time.twin : time.own).ps * op.repeat);
    sum.dense_host += static_cast<double>((options_.every_expert ? time.twin_host : time.own_host).ps * op.repeat);
    if (!options_.every_expert || !time.patterned) in_dense[op.keys] += op.repeat;
  }
  for (const ModelOp& op : sparse) {
    const OpTime& time = times_->of(op);
    sum.sparse += static_cast<double>(time.own.ps * op.kept());
    sum.sparse_host += static_cast<double>(time.own_host.ps * op.kept());
    std::int64_t& same = in_dense[op.keys];
    const std::int64_t kept = time.fallback ? op.kept() : std::min(op.kept(), same);
    sum.kept += static_cast<double>(time.own.ps * kept);
    same -= std::min(same, op.kept());
  }
  return sum;
}

void PassTimes::learn(const std::vector<Point>& points) {
  std::vector<std::pair<std::vector<ModelOp>, std::vector<ModelOp>>> ops;
  std::vector<ModelOp> all;
  for (const Point& point : points) {
    ops.emplace_back(ops_of(dense_, point), ops_of(model_, point));
    all.insert(all.end(), ops.back().first.begin(), ops.back().first.end());
    all.insert(all.end(), ops.back().second.begin(), ops.back().second.end());
  }
  times_->learn(all);
  for (std::size_t i = 0; i < points.size(); ++i) known_.emplace(points[i], sum_of(ops[i].first, ops[i].second));
}

const PartTime& PassTimes::exact(PassPart part, const Sizes& sizes) {
  const Point point{part, sizes};
  if (!known_.contains(point)) learn({point});
  return known_.at(point);
}

PartTime PassTimes::between(PassPart part, const std::array<Bracket, 3>& sizes) {
  std::vector<std::pair<Point, double>> corners;
  std::vector<Point> unknown;
  for (int corner = 0; corner < 8; ++corner) {
    double weight = 1;
    Sizes at{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const bool high = (corner >> axis & 1) != 0;
      at[axis] = high ? sizes[axis].high : sizes[axis].low;
      weight *= high ? sizes[axis].weight : 1 - sizes[axis].weight;
    }
    if (weight <= 0) continue;
    corners.emplace_back(Point{part, at}, weight);
    if (!known_.contains(corners.back().first)) unknown.push_back(corners.back().first);
  }
  if (!unknown.empty()) learn(unknown);
  PartTime sum;
  for (const auto& [point, weight] : corners) sum.add(known_.at(point), weight);
  return sum;
}

}  // namespace sparsesim
