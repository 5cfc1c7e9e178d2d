// Any text is either counts that add up to the layer's, or mistakes with a place; any routing is read or refused.

#include <cstdlib>
#include <numeric>
#include <string_view>

#include "models/sparsity/routing/route_steps.h"
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

// All layers and steps of a text: a mistake, or as many choices in every layer of every step as its tokens make.
void read_steps(decltype(read_trace_csv)* read, std::string_view text) {
  RouteSteps steps({{0, 2, 5}, 8, 2});
  config::Diagnostics diagnostics;
  read(text, "fuzz", steps, diagnostics);
  if (!diagnostics.empty()) return;
  steps.finish();
  for (std::int64_t step = 0; step < steps.steps(); ++step)
    for (const std::int64_t tokens : {std::int64_t{1}, std::int64_t{7}, steps.tokens(step)})
      for (const std::int64_t layer : {0, 2, 5}) {
        const auto counts = steps.counts(step, layer, tokens);
        if (std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) != tokens * 2) std::abort();
        for (const std::int64_t count : counts)
          if (count < 0 || count > tokens) std::abort();
      }
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
  read_steps(read_trace_csv, text);
  read_steps(read_trace_jsonl, text);
  read_array(text);
  read_routing(text);
  return 0;
}
