#pragma once
// A sparse product whose weights several devices share: each has its part of the mask, and the slowest counts.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/ops/weights/spmm.h"
#include "models/sparsity/mask.h"

namespace sparsesim {

/// How a mask of whole weights is cut for devices (docs/models/spmm.md).
struct MaskParts {
  std::int64_t devices = 1;
  bool by_inputs = false;              // inputs are divided, else outputs
  std::vector<std::int64_t> segments;  // outputs of each tensor that the mask stacks; of outputs alone
  std::vector<std::int64_t> shares;    // parts of each segment: fewer than devices where several have the same

  /// Rows and columns of the whole weights where a device has outputs x inputs.
  std::pair<std::int64_t, std::int64_t> whole(std::int64_t outputs, std::int64_t inputs) const;
  /// The part of a device. Rows that the last share of a segment lacks are empty.
  Mask of(const Mask& whole, std::int64_t device) const;
};

/// The same product on several devices at once, each with weights of its own. The dense twin runs on as many.
class SpmmParts : public Op {
 public:
  explicit SpmmParts(std::vector<Spmm> parts) : parts_(std::move(parts)) {}
  std::string_view kind() const override { return "spmm"; }
  std::string_view pattern() const override { return parts_.front().pattern(); }
  int devices() const override { return static_cast<int>(parts_.size()); }
  const std::vector<Spmm>& parts() const { return parts_; }
  Program lower(const LowerContext& context) const override;
  Program lower_dense(const LowerContext& context) const override;
  /// Means over the devices.
  SparsitySummary sparsity(const LowerContext& context) const override;

 private:
  std::vector<Spmm> parts_;
};

/// Keys beside `mask`: mask_parts (1), mask_side (outputs or inputs), mask_segments (one of all outputs), mask_shares
/// (all devices). `outputs` of a device. Mistakes: segments that do not make them up, shares that do not divide
/// devices.
MaskParts read_mask_parts(config::MapReader& map, std::int64_t outputs);

}  // namespace sparsesim
