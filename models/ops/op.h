#pragma once
// An operation of a workload: knows its sizes and pattern, and lowers itself and its dense twin to programs.

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "models/compute/ideal.h"
#include "models/compute/launch.h"
#include "models/network/exchange.h"
#include "models/substrate/substrate.h"
#include "sim/core/units.h"

namespace sparsesim {

/// One node of a program: a launch on a device, or an exchange among all devices.
struct Stage {
  enum class Type { launch, exchange };
  Type type = Type::launch;
  int device = 0;
  std::shared_ptr<const Launch> launch;  // devices with equal work share one launch: it is simulated once
  Exchange exchange;
  std::vector<int> after;  // indices of earlier stages; stages of one device also run in order
};

/// What an op becomes on a machine. Stages are in a topological order.
struct Program {
  int devices = 1;
  std::vector<Stage> stages;
};

struct LowerContext {
  const Substrate& substrate;
  Ideal ideal;
  std::uint64_t seed = 1;
};

/// Something that a kind of sparsity counts and people ask for, named with its unit: dropped_share, distinct_experts.
struct SparsityFact {
  std::string name;
  double value = 0;
};

/// Zeros and what they are worth where (docs/output.md: declared_sparsity, aligned.*).
struct SparsitySummary {
  double declared = 0;          // share of inactive work, 0..1
  double aligned_cache = 1;     // share of the zeros that lie on wholly free lines
  double aligned_dispatch = 1;  // share that the executor can skip
  double aligned_transfer = 1;  // share that does not cross the fabric
  std::vector<SparsityFact> facts = {};
};

class Op {
 public:
  virtual ~Op() = default;
  virtual std::string_view kind() const = 0;     // row of the op table: gemm, moe_ffn, ...
  virtual std::string_view pattern() const = 0;  // dense, experts, window, ...
  virtual int devices() const { return 1; }
  /// Throws UnsupportedError with one clear line when the substrate has no kernel for it.
  virtual Program lower(const LowerContext&) const = 0;
  /// The dense twin: the same result without the sparsity, by the best dense kernel there is.
  virtual Program lower_dense(const LowerContext&) const = 0;
  virtual SparsitySummary sparsity(const LowerContext&) const = 0;
  /// Bytes of operands and results that one device holds at once, or its dense twin does; no fewer than that: indices,
  /// masks and buffers come on top. 0 where a kind does not count them.
  virtual double held_bytes([[maybe_unused]] bool dense) const { return 0; }
};

struct UnsupportedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace sparsesim
