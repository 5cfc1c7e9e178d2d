#include "models/ops/limits.h"

#include <fmt/format.h>

namespace sparsesim {

void require_at_most(double count, double most, std::string_view what) {
  if (count <= most) return;
  throw TooLargeError(fmt::format("too large: {:.4g} {}, at most {:.4g} can be simulated", count, what, most));
}

int step_count(double steps, std::string_view what) {
  require_at_most(steps, kStepsMost, what);
  return static_cast<int>(steps);
}

}  // namespace sparsesim
