#include "models/sparsity/routing/routing_trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "models/sparsity/formats/npy.h"
#include "models/sparsity/routing/route_counter.h"

namespace sparsesim {
namespace {

using TextReader = void (*)(std::string_view, const std::string&, RouteSink&, config::Diagnostics&);

std::string text_of(const std::string& path) {
  config::Diagnostics unreadable;
  std::string text = config::read_text_file(path, kMostTraceBytes, unreadable);
  unreadable.throw_if_any();
  return text;
}

template <TextReader read>
std::vector<std::int64_t> count_text(std::string_view text, const std::string& name, const RoutingSize& size,
                                     const TracePart& part, config::Diagnostics& diagnostics) {
  RouteCounter counter(size, part);
  read(text, name, counter, diagnostics);
  return counter.take();
}

template <TextReader read>
std::vector<std::int64_t> read_text(const std::string& path, const RoutingSize& size, const TracePart& part,
                                    config::Diagnostics& diagnostics) {
  return count_text<read>(text_of(path), path, size, part, diagnostics);
}

template <TextReader read>
void read_all_text(const std::string& path, const std::vector<std::int64_t>&, std::int64_t, RouteSink& sink,
                   config::Diagnostics& diagnostics) {
  read(text_of(path), path, sink, diagnostics);
}

std::vector<std::int64_t> read_npy(const std::string& path, const RoutingSize& size, const TracePart& part,
                                   config::Diagnostics& diagnostics) {
  const IntegerArray array = read_npy_integers(path, kMostTraceIds);
  return count_trace_array(array.shape, array.values, path, size, part, diagnostics);
}

void read_all_npy(const std::string& path, const std::vector<std::int64_t>& layers, std::int64_t top_k, RouteSink& sink,
                  config::Diagnostics& diagnostics) {
  const IntegerArray array = read_npy_integers(path, kMostTraceIds);
  read_trace_array(array.shape, array.values, path, layers, top_k, sink, diagnostics);
}

constexpr std::array<TraceFormat, 4> kFormats{{
    {".csv", "a token per line with its experts, or a choice per line", read_text<read_trace_csv>,
     read_all_text<read_trace_csv>},
    {".jsonl", "an object per line: experts of each token, or tokens of each expert", read_text<read_trace_jsonl>,
     read_all_text<read_trace_jsonl>},
    {".json", "the same", read_text<read_trace_jsonl>, read_all_text<read_trace_jsonl>},
    {".npy", "integers [tokens, top_k] or [layers, tokens, top_k]; [steps, layers, tokens, top_k] of whole models",
     read_npy, read_all_npy},
}};

std::string known_extensions() {
  std::string known;
  for (const TraceFormat& format : kFormats) known += (known.empty() ? "" : ", ") + std::string(format.extension);
  return known;
}

// Which layer of an array counts, or what is wrong.
std::optional<std::int64_t> choose_layer(std::int64_t layers, const TracePart& part, std::string& problem) {
  if (part.step >= 0) problem = "an array has no steps";
  if (part.layer < 0 && layers != 1) problem = fmt::format("the trace has {} layers: trace_layer says which", layers);
  if (part.layer >= layers) problem = fmt::format("the trace has {} layers, trace_layer is {}", layers, part.layer);
  if (!problem.empty()) return std::nullopt;
  return std::max<std::int64_t>(0, part.layer);
}

}  // namespace

std::span<const TraceFormat> trace_formats() { return kFormats; }

const TraceFormat& trace_format_of(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const TraceFormat& format : kFormats)
    if (format.extension == extension) return format;
  throw config::ConfigError(config::Mistake{
      {path, 0, 0}, fmt::format("no routing trace ends in \"{}\" (known: {})", extension, known_extensions()), "", ""});
}

std::vector<std::int64_t> read_routing_trace(const std::string& path, const RoutingSize& size, const TracePart& part,
                                             config::Diagnostics& diagnostics) {
  return trace_format_of(path).read(path, size, part, diagnostics);
}

std::vector<std::int64_t> parse_trace_csv(std::string_view text, const std::string& name, const RoutingSize& size,
                                          const TracePart& part, config::Diagnostics& diagnostics) {
  return count_text<read_trace_csv>(text, name, size, part, diagnostics);
}

std::vector<std::int64_t> parse_trace_jsonl(std::string_view text, const std::string& name, const RoutingSize& size,
                                            const TracePart& part, config::Diagnostics& diagnostics) {
  return count_text<read_trace_jsonl>(text, name, size, part, diagnostics);
}

std::vector<std::int64_t> count_trace_array(const std::vector<std::int64_t>& shape,
                                            const std::vector<std::int64_t>& experts, const std::string& name,
                                            const RoutingSize& size, const TracePart& part,
                                            config::Diagnostics& diagnostics) {
  RouteCounter counter(size, {});
  std::string problem;
  const auto report = [&] { diagnostics.add({name, 0, 0}, problem); };
  if (shape.size() < 2 || shape.size() > 3 || shape.back() != size.top_k)
    problem = fmt::format("an array of shape [{}]; a trace is [tokens, {}] or [layers, tokens, {}]",
                          fmt::join(shape, ", "), size.top_k, size.top_k);
  const auto layer = problem.empty() ? choose_layer(shape.size() == 3 ? shape[0] : 1, part, problem) : std::nullopt;
  if (!layer) {
    report();
    return counter.take();
  }
  const std::int64_t tokens = shape[shape.size() - 2];
  for (std::int64_t token = 0; token < tokens && problem.empty(); ++token) {
    counter.next_token();
    for (std::int64_t slot = 0; slot < size.top_k && problem.empty(); ++slot)
      problem = counter.choose(experts[static_cast<std::size_t>((*layer * tokens + token) * size.top_k + slot)]);
    if (!problem.empty()) problem = fmt::format("token {}: {}", token, problem);
  }
  if (problem.empty()) problem = counter.trace_problem();
  if (!problem.empty()) report();
  return counter.take();
}

void read_trace_array(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& experts,
                      const std::string& name, const std::vector<std::int64_t>& layers, std::int64_t top_k,
                      RouteSink& sink, config::Diagnostics& diagnostics) {
  std::vector<std::int64_t> sizes = shape;
  while (sizes.size() < 4) sizes.insert(sizes.begin(), 1);
  std::string problem;
  if (shape.size() < 2 || sizes.size() > 4 || sizes[1] != static_cast<std::int64_t>(layers.size()) || sizes[3] != top_k)
    problem = fmt::format("an array of shape [{}]; routes of this model are [steps, {}, tokens, {}]",
                          fmt::join(shape, ", "), layers.size(), top_k);
  auto expert = experts.begin();
  for (std::int64_t step = 0; step < sizes[0] && problem.empty(); ++step)
    for (const std::int64_t layer : layers) {
      problem = sink.enter(layer, step).problem;
      for (std::int64_t token = 0; token < sizes[2] && problem.empty(); ++token) {
        sink.next_token();
        for (std::int64_t slot = 0; slot < top_k && problem.empty(); ++slot) problem = sink.choose(*expert++);
        if (!problem.empty()) problem = fmt::format("step {}, layer {}, token {}: {}", step, layer, token, problem);
      }
      if (!problem.empty()) break;
    }
  if (problem.empty()) problem = sink.trace_problem();
  if (!problem.empty()) diagnostics.add({name, 0, 0}, problem);
}

}  // namespace sparsesim
