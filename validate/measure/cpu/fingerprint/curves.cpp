// The curves of the head, with their units.

#include <cctype>

#include "validate/measure/cpu/fingerprint/findings.h"
#include "validate/measure/cpu/kernels/dense.h"

namespace sparsesim::measure {
namespace {

using Convert = std::function<double(double x, double seconds)>;

double nanoseconds(double, double seconds) { return seconds * 1e9; }
double gigabytes(double, double seconds) { return 1e-9 / seconds; }
double gigaflops(double side, double seconds) { return 2 * side * side * side / seconds * 1e-9; }

struct Shown {
  const char* curve;
  const char* title;
  const char* x;
  const char* y;
  Convert convert;
};

void show(const Sampler& s, SubstrateFile& file, const Shown& shown) {
  auto points = s.curve(shown.curve, shown.convert);
  if (!points.empty()) file.curve({shown.curve, shown.title, shown.x, shown.y, std::move(points)});
}

void show_memory(const Sampler& s, SubstrateFile& file) {
  const Shown curves[] = {
      {"read", "streaming reads by footprint, one core", "B", "GB/s", gigabytes},
      {"read_all", "streaming reads of all cores by footprint of each", "B", "GB/s", gigabytes},
      {"write", "streaming stores by footprint, one core", "B", "GB/s", gigabytes},
      {"write_all", "streaming stores of all cores by footprint of each", "B", "GB/s", gigabytes},
      {"write_past", "stores past the caches, one core", "B", "GB/s", gigabytes},
      {"write_past_all", "stores past the caches, all cores", "B", "GB/s", gigabytes},
      {"latency", "one load after the other by footprint", "B", "ns", nanoseconds},
      {"latency_all", "the same by all cores at once, footprint of each", "B", "ns", nanoseconds},
      {"conflict_lines", "loads by number of lines that lie 4 KB apart, all cores", "lines", "ns", nanoseconds},
      {"conflict_lines_far", "loads by number of lines that lie 128 KB apart, all cores", "lines", "ns", nanoseconds},
      {"conflict_stride", "loads of 64 lines by their distance", "B", "ns", nanoseconds},
      {"gather", "vector gathers by size of the table, per element", "B", "ns", nanoseconds},
      {"gather_all", "the same by all cores at once, per element of each", "B", "ns", nanoseconds},
      {"random_all", "random runs of all cores within the largest set", "B", "ns", nanoseconds},
      {"overlap_l2", "a line of 256 KB and vector multiply-adds", "multiply-adds per line", "ns", nanoseconds},
      {"overlap_dram", "a line from DRAM and vector multiply-adds", "multiply-adds per line", "ns", nanoseconds},
      {"retention", "reading again after a wait what was just read three times", "ms", "GB/s", gigabytes},
      {"message", "a message from core to core", "B", "ns", nanoseconds},
      {"copy", "reading what another core wrote", "B", "GB/s", gigabytes},
  };
  for (const Shown& shown : curves) show(s, file, shown);
  for (const char* set : {"32kb", "256kb", "4mb", "64mb", "256mb"}) {
    const std::string curve = std::string("random_") + set;
    const std::string title = std::string("random runs within ") + set + " by their length, per run";
    show(s, file, {curve.c_str(), title.c_str(), "B", "ns", nanoseconds});
  }
}

void show_tiles(const Sampler& s, SubstrateFile& file) {
  show(s, file, {"tile_rows", "AMX bf16 tile product by rows of A", "rows", "ns", nanoseconds});
  show(s, file, {"tile_columns", "AMX bf16 tile product by columns of B", "columns", "ns", nanoseconds});
  show(s, file, {"tile_depth", "AMX bf16 tile product by depth", "depth", "ns", nanoseconds});
  show(s, file, {"tile_rows_int8", "AMX int8 tile product by rows of A", "rows", "ns", nanoseconds});
}

void show_library(const Sampler& s, SubstrateFile& file, const std::string& library) {
  for (const char* type : {"fp32", "bf16", "int8"}) {
    const std::string curve = std::string("product_") + type + "_" + library;
    const std::string title = library + ": " + type + " products of equal sides, hot";
    show(s, file, {curve.c_str(), title.c_str(), "side", "GFLOP/s", gigaflops});
  }
  for (const char side : {'m', 'n', 'k'}) {
    const std::string curve = std::string("steps_") + side + "_" + library;
    const std::string title = library + ": fp32 product, the other sides 160";
    show(s, file, {curve.c_str(), title.c_str(), std::string(1, side).c_str(), "ns", nanoseconds});
  }
}

}  // namespace

void report_curves(const Bench&, const Sampler& s, SubstrateFile& file) {
  show_memory(s, file);
  show_tiles(s, file);
  for (const std::string& library : dense_libraries()) show_library(s, file, library);
}

}  // namespace sparsesim::measure
