#pragma once
// Streaming kernels: every element is read, worked on and written once (activation, residual, norm, cache write).

#include <cstdint>
#include <memory>
#include <string>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// A grid of equal, short tasks that each stream some bytes.
struct StreamingCall {
  std::string name;
  std::string kernel;
  std::string dtype;
  double tasks = 1;
  double read_bytes = 0, write_bytes = 0;  // of one task
  double flops = 0;                        // of one task, on the vector pipe
  int threads = 256;                       // of one task; with the unit's thread slots they fix the residency
  double trips = 1;                        // L2 round trips in a row that a task needs from its start to its end
};

/// Lowers a streaming grid to a launch; tasks are merged where there are many more than residency slots.
///
/// time >= trips * L2 latency * tasks / (units * resident tasks), and >= bytes / achieved DRAM bandwidth
Launch lower_streaming(const StreamingCall& call, const Substrate& substrate);

/// An elementwise pass over `elements` of `dtype`.
struct ElementwiseSize {
  std::string name = "elementwise";
  std::int64_t elements = 0;
  std::string dtype = "bf16";
  double reads = 1;              // operands read per element
  double writes = 1;             // results written per element
  double flops_per_element = 1;  // FP32, vector pipe
  std::int64_t kept = 0;         // of an op: elements that structured pruning leaves; 0: all
};

/// The pass as the substrate's `elementwise` kernel runs it. Reusable by layers and expert networks.
/// Constants (docs/models/elementwise.md): task_bytes, threads, trips; share_least_bytes where compiled programs give
/// every unit a share. Errors: UnsupportedError without such a kernel.
Launch lower_elementwise(const ElementwiseSize& size, const Substrate& substrate);

/// The write of new keys and values of `dtype` into a paged cache, kept in `kept` (empty: as they are): one task per
/// token. Constants: threads_most, thread_ops, trips. Errors: UnsupportedError without a `cache_write` kernel.
Launch lower_cache_write(std::int64_t tokens, double elements_per_token, const std::string& dtype,
                         const Substrate& substrate, const std::string& kept = {});

class Elementwise : public Op {
 public:
  explicit Elementwise(ElementwiseSize size) : size_(std::move(size)) {}
  std::string_view kind() const override { return "elementwise"; }
  std::string_view pattern() const override { return pruned() ? "structured" : "dense"; }
  Program lower(const LowerContext& context) const override;
  /// With all elements.
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext&) const override;
  const ElementwiseSize& size() const { return size_; }

 private:
  bool pruned() const { return size_.kept > 0 && size_.kept < size_.elements; }
  ElementwiseSize size_;
};

/// Keys: elements, dtype, reads, writes, flops_per_element, kept_elements (elements).
std::unique_ptr<Op> read_elementwise(config::MapReader& map);
/// Rows have m x n elements; params reads, writes, flops_per_element. Errors: UnsupportedError for other patterns.
std::unique_ptr<Op> elementwise_from_row(const MeasuredOp& row);

/// The first kernel of the library for `op`, `dtype` and `pattern`; UnsupportedError that names all three when there is
/// none.
const Kernel& find_kernel(const Substrate& substrate, std::string_view op, const std::string& dtype,
                          std::string_view pattern);
/// Constant `name` of a kernel. Errors: UnsupportedError where the library does not give it.
double kernel_constant(const Kernel& kernel, const std::string& name);

}  // namespace sparsesim
