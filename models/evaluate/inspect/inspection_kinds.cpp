#include "models/evaluate/inspect/inspection_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "models/ops/dense/gemm_kernels.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr std::array<NOfMPattern, 5> kNOfM = {{{2, 4}, {1, 4}, {4, 8}, {2, 8}, {2, 16}}};
constexpr std::array<int, 2> kVnmColumns = {8, 16};
constexpr std::int64_t kVnmRows = 64;
constexpr std::array<Granule, 8> kListedBlocks = {
    {{8, 1}, {16, 1}, {4, 4}, {8, 8}, {16, 16}, {32, 32}, {64, 64}, {128, 128}}};
constexpr std::array<Granule, 4> kReordered = {{{8, 1}, {16, 16}, {32, 32}, {64, 64}}};
constexpr double kReorderGain = 1.05;   // less is noise of the order
constexpr double kIndexBytes = 4;       // of a weight, and of where a row begins
constexpr double kShortIndexBytes = 2;  // of a weight, where its column fits into 16 bits
constexpr std::int64_t kShortColumns = 65536;
constexpr double kBlockIndexBytes = 4;  // of a block or vector

double rounded_up(std::int64_t count, std::int64_t granule) { return real((count + granule - 1) / granule * granule); }

class Kinds {
 public:
  Kinds(GranuleCounts& counts, const InspectionOptions& options, const Inspection& counted)
      : counts_(counts),
        mask_(counts.mask()),
        options_(options),
        counted_(counted),
        tensor_(tensor_rate(options.substrate, options.dtype)),
        step_(matrix_step(tensor_)),
        bytes_(element_bytes(options.dtype)) {}

  std::vector<KindLine> list() {
    add("dense", 1, 0, 1, 1);
    add_unstructured();
    if (options_.block.columns == 1) add_n_of_m();
    for (const Granule& block : kListedBlocks) add_block(counts_, block, "");
    for (const Granule& block : kReordered) add_reordered(block);
    add_structured();
    const double area = counted_.band.area;
    if (area > 0 && area < Inspection::band_most) add("band along the diagonal", area, 0, area, area);
    return std::move(kinds_);
  }

 private:
  /// Shares of the dense time where arithmetic binds and where the bytes of the weights do.
  void add(std::string kind, double work, double dropped, double compute_share, double memory_share) {
    const double least = 1 / mask_.places();  // of an empty mask, one place
    const double kept = mask_.density() * (1 - dropped);
    kinds_.push_back({std::move(kind), work, dropped, 1 / std::max(compute_share, least),
                      1 / std::max(memory_share, least), work > 0 ? kept / work : 0});
  }

  /// On the vector pipe single weights are skipped; on the matrix unit they are multiplied like dense ones.
  void add_unstructured() {
    const double density = mask_.density();
    double compute = density;
    if (tensor_) {
      const double vector = options_.substrate->compute.pipes.vector;
      compute = std::min(1.0, density * tensor_->dense / vector);
    }
    const double block = real(options_.block.rows * options_.block.columns);
    const double index = mask_.columns <= kShortColumns ? kShortIndexBytes : kIndexBytes;
    const double offsets = kIndexBytes / (bytes_ * real(counted_.columns) * real(options_.block.rows));
    add("unstructured", density, 0, compute, density * (1 + index / (bytes_ * block)) + offsets);
  }

  /// What the matrix unit gains on the pattern; a pattern that is 2:4 too runs as that.
  double rate(NOfMPattern pattern) const {
    if (!options_.substrate) return real(pattern.of) / real(pattern.kept);
    if (!tensor_) return 1;
    const auto named = tensor_->n_of_m.find(fmt::format("{}:{}", pattern.kept, pattern.of));
    const double own = named == tensor_->n_of_m.end() ? 1 : named->second.value;
    return pattern.of == 4 && pattern.kept <= 2 ? std::max<double>(own, tensor_->sparse) : own;
  }

  void add_n_of_m() {
    for (const NOfMPattern& pattern : kNOfM) {
      const double share = real(pattern.kept) / real(pattern.of);
      const double index = real(std::bit_width(static_cast<unsigned>(pattern.of) - 1)) / 8;  // bytes
      add(fmt::format("{}:{}", pattern.kept, pattern.of), share, fit_n_of_m(mask_, pattern).dropped_share(),
          1 / rate(pattern), share * (1 + index / bytes_));
    }
    const std::int64_t rows = kVnmRows / options_.block.rows;
    if (kVnmRows % options_.block.rows != 0) return;
    for (const int of : kVnmColumns) {
      const double depth = 4.0 / of, columns = 4 / (real(kVnmRows) * of);  // of the dense one; column numbers in bytes
      add(fmt::format("{}:2:{}", kVnmRows, of), depth / 2, fit_v_n_m(mask_, rows, of).dropped_share(),
          depth / rate({2, 4}), depth / 2 * (1 + 0.25 / bytes_) + columns / bytes_);
    }
  }

  /// The matrix unit computes whole steps, so blocks smaller than one pay for it. Vectors are gathered into steps: they
  /// pay for their height alone.
  void add_block(GranuleCounts& counts, Granule block, const char* remark) {
    const bool vector = block.columns == 1;
    const Granule step{std::max(block.rows, step_.rows), vector ? 1 : std::max(block.columns, step_.columns)};
    const auto places = in_places(block, options_.block), stepped = in_places(step, options_.block);
    if (!places || !stepped || block.rows > counted_.rows || block.columns > counted_.columns) return;
    const double work = counts.of(*places).occupied_places / mask_.places();
    const double computed = counts.of(*stepped).occupied_places / mask_.places();
    add(fmt::format("{} {}x{}{}", vector ? "vector" : "block", block.rows, block.columns, remark), work, 0, computed,
        work * (1 + kBlockIndexBytes / (real(block.rows * block.columns) * bytes_)));
  }

  void add_reordered(Granule block) {
    const auto places = in_places(block, options_.block);
    if (!places || places->rows < 2 || places->rows > mask_.rows || places->columns > mask_.columns) return;
    const double before = counts_.of(*places).occupied_places;
    // No order makes a block emptier than its rows are on their own.
    if (counts_.of({1, places->columns}).occupied_places * kReorderGain > before) return;
    const Mask reordered = reorder_rows(mask_, order_of_similar_rows(mask_, places->columns));
    GranuleCounts counts(reordered);
    if (counts.of(*places).occupied_places * kReorderGain < before) add_block(counts, block, ", rows reordered");
  }

  void add_structured() {
    const FreeLines& free = counted_.free;
    if (free.rows + free.columns == 0) return;
    const std::int64_t rows = mask_.rows - free.rows, columns = mask_.columns - free.columns;
    const double work = real(rows) * real(columns) / mask_.places();
    const double padded = rounded_up(rows * options_.block.rows, step_.rows) *
                          rounded_up(columns * options_.block.columns, step_.columns);
    add("whole rows and columns", work, 0, std::min(1.0, padded / (real(counted_.rows) * real(counted_.columns))),
        work);
  }

  GranuleCounts& counts_;
  const Mask& mask_;
  const InspectionOptions& options_;
  const Inspection& counted_;
  const TensorRate* tensor_;
  Granule step_;
  double bytes_;
  std::vector<KindLine> kinds_;
};

}  // namespace

std::vector<KindLine> kinds_of(GranuleCounts& counts, const InspectionOptions& options, const Inspection& counted) {
  return Kinds(counts, options, counted).list();
}

}  // namespace sparsesim
