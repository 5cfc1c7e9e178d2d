#pragma once
// Recorded routes: which experts the tokens of a layer chose, in the formats that people have.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/sparsity/routing/route_counter.h"
#include "models/sparsity/routing/routing.h"
#include "sim/config/node.h"

namespace sparsesim {

/// One format of files. Adding one is one function and one row of the table.
struct TraceFormat {
  std::string_view extension;
  std::string_view description;  // one line
  /// Of one layer and step: tokens per expert. Of all: into `sink`, for `layers` layers that have experts.
  std::vector<std::int64_t> (*read)(const std::string& path, const RoutingSize& size, const TracePart& part,
                                    config::Diagnostics& diagnostics);
  void (*read_all)(const std::string& path, const std::vector<std::int64_t>& layers, std::int64_t top_k,
                   RouteSink& sink, config::Diagnostics& diagnostics);
};
std::span<const TraceFormat> trace_formats();
/// The format of a file, by its extension. Errors: config::ConfigError for another one.
const TraceFormat& trace_format_of(const std::string& path);

inline constexpr std::int64_t kMostTraceBytes = std::int64_t{64} << 20;
inline constexpr std::int64_t kMostTraceLine = std::int64_t{4} << 20;  // of JSON: its tree takes eight times that
inline constexpr std::int64_t kMostTraceIds = std::int64_t{1} << 26;

/// Tokens per expert, [experts], of the trace in a file; its extension says how it is read. Every mistake is reported
/// with its place; the counts hold only where there is none. A trace has as many tokens as the layer, `top_k` different
/// experts each, counted from 0.
/// Errors: config::ConfigError for what is no file of a known format and size.
std::vector<std::int64_t> read_routing_trace(const std::string& path, const RoutingSize& size, const TracePart& part,
                                             config::Diagnostics& diagnostics);

/// .csv: one token per line, `token,expert,expert,...`; `#` starts a comment. A first line of words is a header, whose
/// first columns may be token, layer, step and rank; columns `layer,expert` hold one choice per line instead. `name`
/// stands for the file in messages, here and below.
void read_trace_csv(std::string_view text, const std::string& name, RouteSink& sink, config::Diagnostics& diagnostics);
/// .jsonl: one object per line with `experts` (a list of experts for each token) or `tokens_per_expert` (a number for
/// each expert), and `layer` and `step` where there are several; other keys, such as `rank`, are passed over. Lines of
/// one layer and step add up.
void read_trace_jsonl(std::string_view text, const std::string& name, RouteSink& sink,
                      config::Diagnostics& diagnostics);
/// The counts of one part of such a text.
std::vector<std::int64_t> parse_trace_csv(std::string_view text, const std::string& name, const RoutingSize& size,
                                          const TracePart& part, config::Diagnostics& diagnostics);
std::vector<std::int64_t> parse_trace_jsonl(std::string_view text, const std::string& name, const RoutingSize& size,
                                            const TracePart& part, config::Diagnostics& diagnostics);
/// .npy: integers [tokens, top_k], or [layers, tokens, top_k].
std::vector<std::int64_t> count_trace_array(const std::vector<std::int64_t>& shape,
                                            const std::vector<std::int64_t>& experts, const std::string& name,
                                            const RoutingSize& size, const TracePart& part,
                                            config::Diagnostics& diagnostics);
/// .npy of all steps: integers [steps, layers, tokens, top_k]; without steps one, without layers one, too. Its layers
/// are `layers`, those with experts in their order.
void read_trace_array(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& experts,
                      const std::string& name, const std::vector<std::int64_t>& layers, std::int64_t top_k,
                      RouteSink& sink, config::Diagnostics& diagnostics);

}  // namespace sparsesim
