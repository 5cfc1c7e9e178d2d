// Any text is either counts that add up to the layer's, or mistakes with a place; any routing is read or refused.

#include <cstdlib>
#include <numeric>
#include <string_view>

#include "models/sparsity/routing.h"

using namespace sparsesim;

namespace {

void read_trace(std::string_view text) {
  const RoutingSize size{4, 8, 2};
  config::Diagnostics diagnostics;
  const auto counts = parse_routing_trace(text, "fuzz.csv", size, diagnostics);
  for (const config::Mistake& mistake : diagnostics.mistakes())
    if (mistake.position.line < 1 || mistake.position.column < 1) std::abort();
  if (!diagnostics.empty()) return;
  if (std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) != size.tokens * size.top_k) std::abort();
}

void read_routing(std::string_view text) {
  const RoutingSize size{16, 4, 2};
  try {
    const Routing routing = parse_routing(text);
    if (routing.kind == Routing::Kind::trace) return;
    const auto counts = route(routing, size, {});
    if (std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) != size.tokens * size.top_k) std::abort();
    for (const std::int64_t count : counts)
      if (count < 0 || count > size.tokens) std::abort();
  } catch (const RoutingError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_trace(text);
  read_routing(text);
  return 0;
}
