#pragma once
// Steps of a served model in which tokens leave early, are forgotten or wake few neurons (docs/dynamic.md).

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "models/serving/model_cost.h"
#include "models/serving/request.h"
#include "models/whole/dynamic.h"

namespace sparsesim {

/// Simulated times of the parts of such a model: by range of layers, by needed channels in steps of 1 / kChannelSteps,
/// and by draw of the routes, or recorded step of them. Several runs may share them, one at a time.
class DynamicTimes {
 public:
  static constexpr int kChannelSteps = 32;
  DynamicTimes(const Model& model, const Substrate& substrate, std::uint64_t seed, int threads);

  const Model& model() const { return model_; }
  const TokenDraws& draws() const { return draws_; }
  const std::vector<LayerRange>& ranges() const { return ranges_; }
  /// The range's layers; needed: 1..kChannelSteps.
  PassTimes& of(std::size_t range, int needed, std::int64_t routes);
  /// The model as a whole: its head, and what stages send.
  PassTimes& whole(std::int64_t routes);
  /// Picoseconds of a few ops.
  double sum_of(const std::vector<ModelOp>& ops, std::int64_t routes);
  std::map<std::string, std::string> fallbacks() const;

 private:
  const std::shared_ptr<OpTimes>& ops_of(std::int64_t routes) const;
  PassTimes& at(const std::tuple<std::size_t, int, std::int64_t>& key, const Model& model,
                std::optional<LayerRange> range);

  const Model model_;
  const Substrate& substrate_;
  const PassTimesOptions options_;
  const TokenDraws draws_;
  const std::vector<LayerRange> ranges_;
  std::vector<std::shared_ptr<OpTimes>> ops_;  // [draws of the routes]; one for all recorded steps
  std::map<std::tuple<std::size_t, int, std::int64_t>, std::unique_ptr<PassTimes>> times_;
};

/// Each range of layers works on who is left there. The step ends together; its head runs once.
class DynamicStepCost : public ServedCost {
 public:
  DynamicStepCost(DynamicTimes& times, std::span<const Request> requests, Time host, bool graphs);
  StepTime step(std::span<const StepSequence> sequences) override;

 private:
  std::vector<PassSequence> parts_of(std::span<const StepSequence> sequences) const;
  std::int64_t routes_of(std::span<const StepSequence> sequences);
  std::int64_t padded(std::int64_t tokens) const;
  /// The layers of a range, and what is decided and owed before them; `before`: tokens of the range before.
  PartTime range_time(std::size_t range, const RangeWork& work, std::int64_t before, std::int64_t routes);

  DynamicTimes& times_;
  std::vector<std::int64_t> prompts_;  // [requests] tokens
  const Time host_;
  const bool graphs_;
  std::int64_t steps_ = 0;  // so far
};

/// Times of one cost; its totals say what another one would take for the same steps.
class CompareStepCost : public ServedCost {
 public:
  CompareStepCost(std::unique_ptr<ServedCost> own, std::unique_ptr<ServedCost> other)
      : own_(std::move(own)), other_(std::move(other)) {}
  StepTime step(std::span<const StepSequence> sequences) override;

 private:
  std::unique_ptr<ServedCost> own_, other_;
};

}  // namespace sparsesim
