#pragma once
// What one stage of a pipeline sends to the next.

#include <memory>
#include <string_view>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// Each of `pairs` devices sends a buffer to the device `pairs` places on, all at once: the devices of one stage to
/// those of the next. Nothing in it is sparse: its dense twin is itself.
class SendOp : public Op {
 public:
  /// Errors: std::invalid_argument unless pairs >= 1 and bytes >= 0.
  SendOp(int pairs, double bytes);
  std::string_view kind() const override { return "send"; }
  std::string_view pattern() const override { return "dense"; }
  int devices() const override { return 2 * pairs_; }
  /// One exchange stage. Errors: UnsupportedError when the substrate's fabric does not join that many devices.
  Program lower(const LowerContext& context) const override;
  Program lower_dense(const LowerContext& context) const override { return lower(context); }
  SparsitySummary sparsity(const LowerContext&) const override { return {}; }

 private:
  int pairs_;
  double bytes_;
};

/// Keys: bytes (buffer of one device, with unit), devices (of a stage; default 1). Does not call map.finish().
std::unique_ptr<Op> read_send(config::MapReader& map);
/// Reads `devices` (of both stages) and params `bytes`. Errors: UnsupportedError as collective_from_row().
std::unique_ptr<Op> send_from_row(const MeasuredOp& row);

}  // namespace sparsesim
