#pragma once
// Processors as a backend of the harness.

#include <string>

#include "validate/measure/cpu/context.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

class CpuBackend : public Backend {
 public:
  /// threads: 0 for one. Errors: as make_cpu_context().
  explicit CpuBackend(int threads) : context_(make_cpu_context(threads)) {}
  std::string name() const override { return "cpu"; }
  std::string provenance() const override;
  std::string problem_key(const PlanRow& row) const override;
  std::unique_ptr<Problem> prepare(const PlanRow& row, std::uint64_t seed) override;
  const CpuContext& context() const { return context_; }

 private:
  CpuContext context_;
};

/// Libraries and their versions, instruction sets, threads: what a number depends on besides the machine.
std::string cpu_provenance(const CpuContext& context);

/// The processor whose kernels OpenBLAS has chosen ("Haswell"); empty without OpenBLAS.
std::string openblas_core();

}  // namespace sparsesim::measure
