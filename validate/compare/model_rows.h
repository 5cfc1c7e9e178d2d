#pragma once
// Measured rows of whole layers and models: what workload they stand for (docs/measurements.md).

#include "models/evaluate/workload.h"
#include "models/ops/measured_op.h"

namespace sparsesim {

/// Whether the row measures a `layer` or a `model`.
bool is_model_row(const MeasuredOp& row);

/// The row's own ops: a pass, or a step of training, through the model that its params name or describe; of a `layer`
/// one layer without embedding and head. Params that say nothing of it are notes.
/// Errors: UnsupportedError with what is missing or contradicts itself, and config::ConfigError with what the readers
/// of the workload language refuse.
Workload workload_from_row(const MeasuredOp& row);

}  // namespace sparsesim
