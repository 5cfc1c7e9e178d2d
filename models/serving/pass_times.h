#pragma once
// How long the parts of a pass through a model take: simulated on a grid of sizes, interpolated between its points.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/serving/bracket.h"
#include "models/serving/op_times.h"
#include "models/whole/dynamic.h"

namespace sparsesim {

/// Picoseconds of one part on one stage.
struct PartTime {
  double dense = 0;   // of the model without its recipe
  double sparse = 0;  // with it
  double kept = 0;    // of `sparse`, what the recipe left as it was, or what runs densely for want of a kernel
  double dense_host = 0, sparse_host = 0;  // that a framework needs to issue it, where no graph is replayed
  PartTime& add(const PartTime& other, double weight);
};

/// Parts of a pass, each with its own sizes.
enum class PassPart {
  tokens,     // (tokens)
  attention,  // (batch, queries, keys before them)
  head,       // (sequences)
  send,       // (tokens): activations from one stage to the next
};

struct PassTimesOptions {
  std::uint64_t seed = 1;
  bool every_expert = false;             // the dense model runs every expert for every token
  int threads = 0;                       // 0: one per processor
  std::optional<LayerRange> range = {};  // these layers alone: no embedding, no head
};

class PassTimes {
 public:
  using Sizes = std::array<std::int64_t, 3>;
  /// Ops that `shared` knows are not simulated again; without one they are known here alone.
  PassTimes(const Model& model, const Substrate& substrate, const PassTimesOptions& options,
            std::shared_ptr<OpTimes> shared = nullptr);

  /// Simulates a part at exactly these sizes, once. Errors: as OpTimes::learn().
  const PartTime& exact(PassPart part, const Sizes& sizes);
  /// The multilinear mean of the points around a size.
  PartTime between(PassPart part, const std::array<Bracket, 3>& sizes);
  const Model& model() const { return model_; }
  const std::map<std::string, std::string>& fallbacks() const { return times_->fallbacks(); }
  std::size_t ops_simulated() const { return times_->size(); }

 private:
  using Point = std::pair<PassPart, Sizes>;
  std::vector<ModelOp> ops_of(const Model& model, const Point& point) const;
  void learn(const std::vector<Point>& points);
  PartTime sum_of(const std::vector<ModelOp>& dense, const std::vector<ModelOp>& sparse) const;

  const Model model_, dense_;
  const PassTimesOptions options_;
  const std::shared_ptr<OpTimes> times_;
  std::map<Point, PartTime> known_;
};

}  // namespace sparsesim
