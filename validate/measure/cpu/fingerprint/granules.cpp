// What a machine's pieces cost: dispatch, lines, messages, calls.

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "validate/measure/cpu/bytes.h"
#include "validate/measure/cpu/fingerprint/levels.h"
#include "validate/measure/cpu/kernels/dense.h"

namespace sparsesim::measure {
namespace {

/// What a call of a library costs, and in which steps of rows and columns its products grow.
void report_library(const Sampler& s, const std::string& library, SubstrateFile& file) {
  const Spread call = s.at("call_" + library);
  if (call.value <= 0) return;
  file.granule({"call of " + library, 1, "call", call, "1x1x1, fp32"});
  file.kernel_constant(library, "start_us", scaled(call, 1e6), "us", "a product of 1x1x1");
  if (const LibraryLoop loop = library_loop(library); loop.vector_bytes > 0) {
    const auto bytes = static_cast<double>(loop.vector_bytes);
    file.kernel_constant(library, "vector_bytes", {bytes, 0, 0, 0, 0, 0}, "", "its kernels for " + loop.kernels);
    if (!loop.tile.empty()) file.kernel_shape(library, "tile", loop.tile);
  }
  for (const char side : {'m', 'n'}) {
    const std::string curve = std::string("steps_") + side + "_" + library;
    const auto grown = points(s, curve);
    const int width = step_width(grown);
    if (width <= 1) continue;
    const double slope = (grown.back().y - grown.front().y) / (grown.back().x - grown.front().x);
    file.granule({"product step in " + std::string(1, side) + " of " + library,
                  static_cast<double>(width),
                  side == 'm' ? "columns of results" : "rows of weights",
                  {width * slope, 0, 0, 0, 0, 0},
                  "the other sides 160"});
  }
}

/// The exponent q of (stream^q + loop^q)^(1/q) = together; nothing where one of them is most of it or none is hidden.
std::optional<double> overlap_exponent(double stream, double loop, double together) {
  const double longer = std::max(stream, loop), shorter = std::min(stream, loop);
  if (shorter < 0.3 * longer || together >= stream + loop) return std::nullopt;
  double low = 1, high = 12;
  for (int i = 0; i < 40; ++i) {
    const double q = 0.5 * (low + high);
    (std::pow(std::pow(stream, q) + std::pow(loop, q), 1 / q) > together ? low : high) = q;
  }
  return 0.5 * (low + high);
}

}  // namespace

void report_overlap(const Sampler& s, SubstrateFile& file) {
  std::vector<double> found;
  const double stream = s.at("overlap_dram", 0).value, multiply = s.at("fma").value;
  for (const double multiplies : s.places("overlap_dram"))
    if (const auto q = overlap_exponent(stream, multiplies * multiply, s.at("overlap_dram", multiplies).value))
      found.push_back(*q);
  if (found.empty()) return;
  std::sort(found.begin(), found.end());
  file.kernel_constant("cores", "stream_overlap", {found[found.size() / 2], found.front(), found.back(), 0, 0, 0}, "",
                       "lines from DRAM beside multiply-adds, curve overlap_dram; the range is that of its points");
}

void report_dispatch(const Bench& bench, const Sampler& s, SubstrateFile& file) {
  const double threads = bench.team.size();
  file.fact("compute.units", yaml_number(threads), "spec", "cores that take part");
  if (!s.has("chunk_empty")) return file.missing("dispatch", "built without OpenMP");
  file.number("dispatch.rate", inverse(s.at("chunk_empty"), 1e-9), "G/s",
              "chunks of one of a dynamic OpenMP loop, empty body");
  const Spread dynamic = s.at("chunk_dynamic"), fixed = s.at("chunk_static");
  const double own = std::max(0.0, threads * (dynamic.value - fixed.value));
  file.number("dispatch.hand_over",
              scaled({own, std::max(0.0, threads * (dynamic.low - fixed.high)),
                      std::max(own, threads * (dynamic.high - fixed.low)), 0, dynamic.samples, dynamic.visits},
                     1e9),
              "ns", "dynamic less static chunks of 130 ns, per core");
  const Spread region = s.at("region", threads);
  file.number("dispatch.launch", scaled(region, 1e9), "ns", "an empty parallel region, threads spinning");
  file.number("dispatch.grid_start", scaled(region, 1e9), "ns", "an empty parallel region, threads spinning");
  file.number("dispatch.grid_sync", scaled(s.at("barrier"), 1e9), "ns", "barrier, threads spinning");
  Spread call;
  for (const std::string& library : dense_libraries()) {
    const Spread one = s.at("call_" + library);
    if (one.value > 0 && (call.value == 0 || one.value < call.value)) call = one;
  }
  if (call.value > 0)
    file.number("dispatch.graph_node", scaled(call, 1e9), "ns", "a library's product of 1x1x1, the quicker library's");
}

void report_granules(const Bench& bench, const Sampler& s, SubstrateFile& file) {
  const double large = static_cast<double>(bench.largest_set);
  const double fill = fill_granule(s);
  file.fact("memory.line", "64 B", "spec", "x86-64 processors since 2003; seen as the first step of random runs");
  file.fact("memory.sector", "64 B", "spec", "a line moves whole");
  file.number("memory.fill_granule", {fill, 64, std::max(fill, 128.0), 0, 0, 0}, "B",
              "random runs from DRAM cost within 25 % of one line up to here");
  const std::string curve = s.places("random_256mb").empty() ? "random_64mb" : "random_256mb";
  file.granule({"cache line", kLine, "B", scaled(s.at("read", large), kLine), "streamed from DRAM, one core"});
  file.granule({"random line", fill, "B", s.at(curve, 64), "alone from DRAM, one core, as many in flight as it can"});
  if (s.has("chunk_empty"))
    file.granule({"dispatch", 1, "chunk", s.at("chunk_empty"), "dynamic OpenMP loop, empty body, all cores"});
  if (s.has("message", 64))
    file.granule({"interconnect", 64, "B", s.at("message", 64), "a line written by one core and seen by another"});
  file.granule({"branch", 1, "mispredicted branch",
                scaled({s.at("branch_random").value - s.at("branch_never").value, 0, 0, 0, 0, 0}, 2),
                "on random bits"});
  file.granule({"row of fixed length", 1, "loop of 4 turns", s.at("rows_fixed"), ""});
  file.granule({"row of random length", 1, "loop of 1 to 7 turns", s.at("rows_random"), ""});
  file.granule({"thread", 1, "thread", s.at("thread_start"), "started and joined"});
  for (const std::string& library : dense_libraries()) report_library(s, library, file);
  file.granule({"call of eigen", 1, "call", s.at("call_eigen"), "1x1x1, fp32"});
  if (s.has("tile_rows", 16))
    file.granule(
        {"matrix tile", 16, "rows of bf16 by 16 columns, depth 32", s.at("tile_rows", 16), "AMX, in registers"});
}

}  // namespace sparsesim::measure
