#pragma once
// A pass whose ops depend on what is drawn for its tokens (docs/dynamic.md).

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/ops/op.h"
#include "models/whole/dynamic.h"

namespace sparsesim {

/// An op of such a pass as if nobody left. What decides, and what is owed, is `extra`: the dense twin has none of it.
struct DrawnSlot {
  ModelOp op;
  bool extra = false;
  bool fixed = false;  // the same for every seed
};

/// The draws of one pass, made once per seed. Any number of threads may ask.
class DrawnPass {
 public:
  /// `file` is the workload, beside which masks are found.
  DrawnPass(const Model& model, const Pass& pass, std::string file);
  const std::vector<DrawnSlot>& slots() const { return slots_; }

  /// An op of the pass for one seed, and its share of the work that the slot's op has; null where it is not run.
  struct Drawn {
    std::shared_ptr<const Op> op;
    double share = 0;
    std::int64_t tokens = 0;  // that it works on
  };
  Drawn at(const std::string& name, std::uint64_t seed) const;

 private:
  using Ops = std::map<std::string, Drawn>;
  struct Part {
    ModelOp op;
    double share = 1;
    std::int64_t tokens = 0;
    bool extra = false, fixed = false;
  };
  /// `draws` null: everybody stays, and all that might be owed or decided is there.
  std::vector<Part> parts(const TokenDraws* draws, std::uint64_t seed) const;
  void add_range(const Model& model, const LayerRange& range, const TokenDraws* draws, std::int64_t before,
                 std::vector<Part>& parts) const;

  const Model model_;
  const std::string file_;
  const std::vector<PassSequence> sequences_;
  std::int64_t tokens_ = 0;
  std::vector<DrawnSlot> slots_;
  static constexpr std::size_t kSeedsKept = 64;
  mutable std::mutex mutex_;
  mutable std::map<std::uint64_t, std::shared_ptr<const Ops>> seeds_;
};

/// One op of a pass, drawn anew for each seed. Its dense twin is that of the slot's op.
class DrawnOp : public Op {
 public:
  /// `whole` is the slot's op.
  DrawnOp(std::shared_ptr<const DrawnPass> pass, const DrawnSlot& slot, std::unique_ptr<Op> whole)
      : pass_(std::move(pass)), name_(slot.op.name), extra_(slot.extra), whole_(std::move(whole)) {}
  std::string_view kind() const override { return whole_->kind(); }
  std::string_view pattern() const override { return "dynamic"; }
  int devices() const override { return whole_->devices(); }
  /// An empty program where nobody needs it. By dense kernels where the machine has none for the pattern.
  Program lower(const LowerContext& context) const override;
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override;

 private:
  const std::shared_ptr<const DrawnPass> pass_;
  const std::string name_;
  const bool extra_;
  const std::unique_ptr<Op> whole_;
};

}  // namespace sparsesim
