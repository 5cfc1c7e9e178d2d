#pragma once
// The kinds of sparsity that a mask could be used as.

#include <map>
#include <utility>

#include "models/evaluate/inspect/inspection.h"

namespace sparsesim {

/// A granule of weights in blocks of the file; nothing where it neither divides them nor is divided by them.
std::optional<Granule> in_places(Granule granule, Granule block);
/// Rates of the matrix unit for a type; nothing without a machine or where it has none.
const TensorRate* tensor_rate(const Substrate* substrate, const std::string& dtype);
/// Rows and columns of weights in one matrix instruction; 1 x 1 without a matrix unit.
Granule matrix_step(const TensorRate* rate);

/// Counts of each granule, made once.
class GranuleCounts {
 public:
  explicit GranuleCounts(const Mask& mask) : mask_(mask) {}
  const Mask& mask() const { return mask_; }
  const GranuleUse& of(Granule places);

 private:
  const Mask& mask_;
  std::map<std::pair<std::int64_t, std::int64_t>, GranuleUse> known_;
};

/// All kinds with their bounds, dense first (docs/patterns.md has the formulas). `counted` holds free lines and band.
std::vector<KindLine> kinds_of(GranuleCounts& counts, const InspectionOptions& options, const Inspection& counted);

}  // namespace sparsesim
