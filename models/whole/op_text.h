#pragma once
// Ops of a model, read back from the text that the workload language has for them.

#include <memory>
#include <string>

#include "models/ops/op.h"
#include "models/whole/model.h"

namespace sparsesim {

/// The op of "op: gemm, m: 16, ...". `file` is the workload, beside which masks are found.
/// Errors: config::ConfigError with what the op's reader says.
std::unique_ptr<Op> read_op_text(const std::string& keys, const std::string& file);

/// The same as a map of a workload, with name and number of runs: what a reader of `ops` reads.
config::Node op_node(const ModelOp& op, const std::string& file, config::Diagnostics& diagnostics);

/// The workload's own text of an op: "  - {name: mlp.down, repeat: 32, op: gemm, ...}".
std::string op_line(const ModelOp& op);

}  // namespace sparsesim
