// Any text is a mask whose rows fit its columns, or mistakes with a place.

#include <cstdlib>
#include <string_view>

#include "models/sparsity/row_counts.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  config::Diagnostics diagnostics;
  const RowCounts counts =
      read_smtx(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.smtx", diagnostics);
  if (!diagnostics.empty() && !counts.units.empty()) std::abort();
  for (const auto& mistake : diagnostics.mistakes())
    if (mistake.position.line < 1 || mistake.position.column < 1) std::abort();
  for (const std::int32_t units : counts.units)
    if (units < 0 || units > counts.columns) std::abort();
  return 0;
}
