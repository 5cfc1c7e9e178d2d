#pragma once
// From the keys of an op in a workload to the columns of a measured row (docs/measurements.md).

#include "models/ops/op.h"
#include "sim/config/reader.h"
#include "validate/measure/harness/plan.h"

namespace sparsesim {

/// The columns of an op that was read from this map; id, device and kernel are left empty. A key that a measured row
/// cannot have is reported to the reader's diagnostics.
measure::PlanRow row_of(const Op& op, config::MapReader& map);

}  // namespace sparsesim
