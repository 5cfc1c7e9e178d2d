#pragma once
// One runner per matrix library.

#include <memory>
#include <string>
#include <vector>

#include "validate/measure/cpu/kernels/dense.h"

namespace sparsesim::measure {

/// LibraryRunner(library, arguments...) for every library of this build that can. Errors: NotHere where none can.
template <class LibraryRunner, class... Arguments>
std::vector<std::unique_ptr<Runner>> library_runners(const Arguments&... arguments) {
  std::vector<std::unique_ptr<Runner>> runners;
  std::string reasons;
  for (const std::string& library : dense_libraries()) {
    try {
      runners.push_back(std::make_unique<LibraryRunner>(library, arguments...));
    } catch (const NotHere& error) {
      reasons += std::string(reasons.empty() ? "" : "; ") + error.what();
    }
  }
  if (runners.empty()) throw NotHere(reasons.empty() ? "this build has no matrix library" : reasons);
  return runners;
}

}  // namespace sparsesim::measure
