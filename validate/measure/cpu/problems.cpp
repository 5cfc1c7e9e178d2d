#include "validate/measure/cpu/problems.h"

namespace sparsesim::measure {

// One row per family; the functions are declared by the family's header.
std::span<const ProblemFamily> problem_table() { return {}; }

}  // namespace sparsesim::measure
