#include "validate/measure/cpu/backend.h"

#include "validate/measure/cpu/problems.h"

#ifdef SPARSESIM_HAVE_ONEDNN
#include <dnnl.h>
#endif
#ifdef SPARSESIM_HAVE_OPENBLAS
#include <cblas.h>
#endif

namespace sparsesim::measure {
namespace {

/// The family of a row, which takes it. Errors: NotHere.
const ProblemFamily& family_of(const PlanRow& row, const CpuContext& context) {
  for (const ProblemFamily& family : problem_table()) {
    if (family.op != row.op) continue;
    family.check(row, context);
    return family;
  }
  throw NotHere("no kernel for " + row.op);
}

std::string instruction_sets(const CpuContext& context) {
  std::string text;
  const auto add = [&](bool has, const char* name) { text += has ? std::string(text.empty() ? "" : "+") + name : ""; };
  add(context.avx2, "AVX2");
  add(context.avx512, "AVX-512");
  add(context.avx512_bf16, "AVX512-BF16");
  add(context.amx_bf16, "AMX-BF16");
  add(context.amx_int8, "AMX-INT8");
  return text.empty() ? "no vector extensions known" : text;
}

}  // namespace

std::string cpu_provenance(const CpuContext& context) {
  std::string text = context.model + " (" + instruction_sets(context) + ") threads " + std::to_string(context.threads);
#ifdef SPARSESIM_HAVE_ONEDNN
  const dnnl_version_t* version = dnnl_version();
  text += "; oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
          std::to_string(version->patch);
#endif
#ifdef SPARSESIM_HAVE_OPENBLAS
  std::string config = openblas_get_config();  // "OpenBLAS 0.3.21 NO_AFFINITY USE_OPENMP ... MAX_THREADS=64"
  text += "; " + config.substr(0, config.find(' ', config.find(' ') + 1)) + " as " + openblas_core();
#endif
#ifdef __VERSION__
  text += "; compiler " + std::string(__VERSION__);
#endif
  return text;
}

std::string openblas_core() {
#ifdef SPARSESIM_HAVE_OPENBLAS
  return openblas_get_corename();
#else
  return {};
#endif
}

std::string CpuBackend::provenance() const { return cpu_provenance(context_); }

std::string CpuBackend::problem_key(const PlanRow& row) const { return family_of(row, context_).key(row); }

std::unique_ptr<Problem> CpuBackend::prepare(const PlanRow& row, std::uint64_t seed) {
  return family_of(row, context_).make(row, context_, seed);
}

}  // namespace sparsesim::measure
