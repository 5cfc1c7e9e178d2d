// Any text is either counts that add up to the layer's, or mistakes with a place; any routing is read or refused.

#include <cstdlib>
#include <numeric>
#include <string_view>

#include "models/sparsity/routing/routing_trace.h"

using namespace sparsesim;

namespace {

const RoutingSize kSize{4, 8, 2};

void check_counts(const std::vector<std::int64_t>& counts) {
  if (std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) != kSize.tokens * kSize.top_k) std::abort();
  for (const std::int64_t count : counts)
    if (count < 0 || count > kSize.tokens) std::abort();
}

void read_trace(decltype(parse_trace_csv)* parse, std::string_view text, const TracePart& part) {
  config::Diagnostics diagnostics;
  const auto counts = parse(text, "fuzz", kSize, part, diagnostics);
  for (const config::Mistake& mistake : diagnostics.mistakes())
    if (mistake.position.line < 1 || mistake.position.column < 1) std::abort();
  if (diagnostics.empty()) check_counts(counts);
}

// Three bytes of shape, then one byte per expert.
void read_array(std::string_view bytes) {
  if (bytes.size() < 3) return;
  const std::vector<std::int64_t> shape = {bytes[0] & 3, bytes[1] & 7, bytes[2] & 3};
  const auto count = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
  if (bytes.size() < 3 + count) return;
  std::vector<std::int64_t> experts;
  for (const char byte : bytes.substr(3, count)) experts.push_back(byte);
  config::Diagnostics diagnostics;
  const auto counts = count_trace_array(shape, experts, "fuzz", kSize, {}, diagnostics);
  if (diagnostics.empty()) check_counts(counts);
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
  for (const TracePart part : {TracePart{}, TracePart{1, 0}}) {
    read_trace(parse_trace_csv, text, part);
    read_trace(parse_trace_jsonl, text, part);
  }
  read_array(text);
  read_routing(text);
  return 0;
}
