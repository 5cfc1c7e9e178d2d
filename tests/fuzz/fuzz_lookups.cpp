// Any text is lookups of rows of the table, each counted once, or mistakes with a place.

#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string_view>

#include "models/ops/gathers/gather_trace.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  config::Diagnostics diagnostics;
  const LookupTrace trace = read_lookup_trace(text, "fuzz", 1000, diagnostics);
  if (diagnostics.empty() == (trace.lookups == 0)) std::abort();
  for (const auto& mistake : diagnostics.mistakes())
    if (mistake.position.line < 1 || mistake.position.column < 1) std::abort();
  if (std::accumulate(trace.bags.begin(), trace.bags.end(), std::int64_t{0}) != trace.lookups) std::abort();
  if (trace.misses(0) != trace.lookups || trace.misses(1000) != trace.distinct) std::abort();
  return 0;
}
