#pragma once
// The four collectives as operations: all_to_all, all_gather, reduce_scatter, all_reduce.

#include <memory>
#include <string_view>

#include "models/network/collectives.h"
#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// One call of the collective library among `devices`, uniform. Nothing in it is sparse: its dense twin is itself.
class CollectiveOp : public Op {
 public:
  /// bytes  buffer of one rank: what it sends in an all_to_all, the whole result of an all_gather, the whole input of a
  ///        reduce_scatter or all_reduce
  /// Errors: std::invalid_argument unless devices >= 1 and bytes >= 0.
  CollectiveOp(Collective collective, int devices, double bytes);

  std::string_view kind() const override { return name(collective_); }
  std::string_view pattern() const override { return "dense"; }
  int devices() const override { return devices_; }
  double bytes() const { return bytes_; }
  /// One exchange stage. Errors: UnsupportedError when the substrate's fabric does not join that many devices.
  Program lower(const LowerContext& context) const override;
  Program lower_dense(const LowerContext& context) const override { return lower(context); }
  SparsitySummary sparsity(const LowerContext&) const override { return {}; }

 private:
  Collective collective_;
  int devices_;
  double bytes_;
};

/// Keys: bytes (buffer of one rank, with unit), devices (default 8). Does not call map.finish().
/// Errors: std::invalid_argument for a kind that is no collective.
std::unique_ptr<Op> read_collective(std::string_view kind, config::MapReader& map);

/// Reads `devices` and params `bytes`. Errors: UnsupportedError for another op, missing or malformed bytes, a pattern
/// other than dense.
std::unique_ptr<Op> collective_from_row(const MeasuredOp& row);

}  // namespace sparsesim
