#include "validate/measure/cuda/backend.h"

#include <array>

#include "validate/measure/cuda/families.h"
#include "validate/measure/cuda/sparse_products.h"

namespace sparsesim::measure {

extern const ProblemFamily kGemm, kSpmm, kGroupedGemm, kMoeFfn, kAttention, kEmbeddingBag;

std::span<const ProblemFamily* const> problem_table() {
  static constexpr std::array<const ProblemFamily*, 6> kFamilies = {&kGemm,   &kSpmm,      &kGroupedGemm,
                                                                    &kMoeFfn, &kAttention, &kEmbeddingBag};
  return kFamilies;
}

const ProblemFamily& find_family(const PlanRow& row) {
  const std::string_view op = row.op == "gather_reduce" ? "embedding_bag" : std::string_view(row.op);
  for (const ProblemFamily* family : problem_table())
    if (family->op == op) return *family;
  throw NotHere("no kernels for " + row.op);
}

std::string key_of(const PlanRow& row) {
  if (row.devices > 1) throw NotHere("one device is measured");
  const ProblemFamily& family = find_family(row);
  family.check(row);
  return family.key(row);
}

std::string list_kernels() {
  std::string text;
  for (const ProblemFamily* family : problem_table())
    text += std::string(family->op) + ": " + std::string(family->kernels) + "\n";
  const std::string version = cusparselt_version();
  return text +
         (version.empty() ? "cuSPARSELt: not found when this program was built\n" : "cuSPARSELt: " + version + "\n");
}

std::string clock_state(const Device& device) {
  return "at most " + std::to_string(device.attribute(cudaDevAttrClockRate) / 1000) + " MHz, not locked here";
}

std::string CudaBackend::provenance() const {
  std::string text = device_.properties().name;
  for (const auto& [what, version] : library_versions()) text += ", " + what + " " + version;
  if (const std::string version = cusparselt_version(); !version.empty()) text += ", cuSPARSELt " + version;
  return text + "; clock " + clock_state(device_);
}

std::string CudaBackend::problem_key(const PlanRow& row) const { return key_of(row); }

std::unique_ptr<Problem> CudaBackend::prepare(const PlanRow& row, std::uint64_t seed) {
  check(cudaGetLastError());  // a kernel that failed for good is said here, not blamed on the next
  return find_family(row).make(row, device_, seed);
}

}  // namespace sparsesim::measure
