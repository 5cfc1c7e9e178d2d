#include "models/evaluate/inspect/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "models/evaluate/evaluate.h"
#include "models/evaluate/inspect/inspection_kinds.h"
#include "models/ops/dense/gemm_kernels.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr std::array<Granule, 6> kBlocks = {{{4, 4}, {8, 8}, {16, 16}, {32, 32}, {64, 64}, {128, 128}}};
constexpr int kMatrixTile = 16;  // rows of activations from which on a kernel fills the matrix unit

/// A kernel of the machine's library that multiplies dense tiles.
const Kernel* smallest_tile(const Substrate& substrate, const std::string& dtype) {
  const Kernel* smallest = nullptr;
  for (const Kernel& kernel : substrate.kernels) {
    if (kernel.op != "gemm" || kernel.tile_m < kMatrixTile || !takes(kernel, "dense", dtype)) continue;
    const auto size = [](const Kernel& k) { return std::pair(k.tile_n * k.tile_k, k.tile_n); };
    if (!smallest || size(kernel) < size(*smallest)) smallest = &kernel;
  }
  return smallest;
}

class Inspector {
 public:
  Inspector(const Mask& mask, const InspectionOptions& options)
      : mask_(mask),
        counts_(mask),
        options_(options),
        machine_(options.substrate),
        tensor_(tensor_rate(machine_, options.dtype)),
        bytes_(element_bytes(options.dtype)) {}

  Inspection run() {
    out_.file = options_.file;
    out_.substrate = machine_ ? machine_->name : "";
    out_.dtype = options_.dtype;
    out_.block_rows = options_.block.rows;
    out_.block_columns = options_.block.columns;
    out_.rows = mask_.rows * options_.block.rows;
    out_.columns = mask_.columns * options_.block.columns;
    out_.density = mask_.density();
    out_.stored = mask_.stored();
    out_.free = free_lines(mask_);
    out_.band = band_of(mask_);
    add_granules();
    add_balance();
    out_.kinds = kinds_of(counts_, options_, out_);
    return std::move(out_);
  }

 private:
  void add_granule(std::string name, Granule granule, std::string remark) {
    const auto places = in_places(granule, options_.block);
    if (!places) return;
    const GranuleUse& use = counts_.of(*places);
    // Several granules to a block: each is as full as the block.
    const double per_place = std::max(1.0, real(options_.block.rows) / real(granule.rows)) *
                             std::max(1.0, real(options_.block.columns) / real(granule.columns));
    GranuleLine line{std::move(name),
                     granule,
                     std::move(remark),
                     real(use.granules) * per_place,
                     real(use.occupied) * per_place,
                     use.fill(),
                     expected_share_at_random(mask_, *places),
                     use.free_zeros()};
    out_.granules.push_back(std::move(line));
  }

  void add_granules() {
    if (machine_) add_machine_granules();
    for (const Granule& block : kBlocks) {
      if (block.rows <= out_.rows && block.columns <= out_.columns) add_granule("block", block, "");
    }
  }
  void add_machine_granules() {
    const Memory& memory = machine_->memory;
    const auto along = [&](double granule_bytes) {
      return Granule{1, std::max<std::int64_t>(1, static_cast<std::int64_t>(granule_bytes / bytes_))};
    };
    add_granule("memory sector", along(memory.sector), fmt::format("{} B", memory.sector.value));
    add_granule("cache line", along(memory.line), fmt::format("{} B", memory.line.value));
    const bool has_line = !out_.granules.empty() && out_.granules.back().name == "cache line";
    if (has_line) out_.aligned_cache = out_.granules.back().free_zeros;
    if (tensor_) add_granule("matrix step", matrix_step(tensor_), fmt::format("one {} instruction", options_.dtype));
    const Kernel* kernel = smallest_tile(*machine_, options_.dtype);
    if (!kernel) return;
    const std::size_t before = out_.granules.size();
    add_granule("kernel step", {kernel->tile_n, kernel->tile_k}, kernel->name);
    if (out_.granules.size() > before) out_.aligned_dispatch = out_.granules.back().free_zeros;
    add_granule("task", {kernel->tile_n, std::max<std::int64_t>(out_.columns, 1)}, kernel->name);
    if (!out_.aligned_cache || !out_.aligned_dispatch) return;
    out_.quick_estimate = sparsesim::quick_estimate({.declared = out_.sparsity(),
                                                     .aligned_cache = *out_.aligned_cache,
                                                     .aligned_dispatch = *out_.aligned_dispatch});
  }

  void add_balance() {
    const RowCounts counts = row_counts(mask_);
    std::set<std::int64_t> sizes = {options_.block.rows};
    if (machine_) {
      for (const Kernel& kernel : machine_->kernels)
        if (kernel.op == "spmm_rows" && takes(kernel, "unstructured", options_.dtype))
          sizes.insert(std::max<std::int64_t>(kernel.tile_n, 1));
      if (const Kernel* kernel = smallest_tile(*machine_, options_.dtype))
        sizes.insert({kernel->tile_n, 2 * kernel->tile_n});
    } else {
      sizes.insert({8, 32, 128});
    }
    for (const std::int64_t rows : sizes) {
      const std::int64_t places = rows / options_.block.rows;
      if (places < 1 || rows % options_.block.rows != 0 || places > mask_.rows) continue;
      out_.balance.push_back({rows == 1 ? "1 row" : fmt::format("{} rows", rows), rows, row_balance(counts, places)});
    }
  }

  const Mask& mask_;
  GranuleCounts counts_;
  const InspectionOptions& options_;
  const Substrate* machine_;
  const TensorRate* tensor_;
  double bytes_;
  Inspection out_;
};

}  // namespace

std::optional<Granule> in_places(Granule granule, Granule block) {
  const auto scaled = [](std::int64_t size, std::int64_t unit) -> std::int64_t {
    return size % unit == 0 ? size / unit : unit % size == 0 ? 1 : 0;
  };
  const Granule places{scaled(granule.rows, block.rows), scaled(granule.columns, block.columns)};
  if (places.rows < 1 || places.columns < 1) return std::nullopt;
  return places;
}

const TensorRate* tensor_rate(const Substrate* substrate, const std::string& dtype) {
  if (!substrate) return nullptr;
  const auto found = substrate->compute.pipes.tensor.find(dtype);
  return found == substrate->compute.pipes.tensor.end() ? nullptr : &found->second;
}

Granule matrix_step(const TensorRate* rate) {
  if (!rate || !rate->step_n.given() || !rate->step_k.given()) return {};
  return {static_cast<std::int64_t>(rate->step_n.value), static_cast<std::int64_t>(rate->step_k.value)};
}

const GranuleUse& GranuleCounts::of(Granule places) {
  const auto [entry, fresh] = known_.try_emplace({places.rows, places.columns});
  if (fresh) entry->second = granule_use(mask_, places);
  return entry->second;
}

const KindLine& Inspection::best(double KindLine::*field) const {
  constexpr double kTie = 1.01;  // kinds this near are as good: both bounds together decide
  double most = 0;
  for (const KindLine& kind : kinds)
    if (kind.dropped == 0) most = std::max(most, kind.*field);
  const KindLine* best = nullptr;
  for (const KindLine& kind : kinds) {
    if (kind.dropped > 0 || kind.*field * kTie < most) continue;
    if (kind.kind == "dense") return kind;
    if (!best || kind.compute * kind.memory > best->compute * best->memory) best = &kind;
  }
  return *best;
}

std::vector<const KindLine*> Inspection::near() const {
  const KindLine &compute = best(&KindLine::compute), &memory = best(&KindLine::memory);
  std::vector<const KindLine*> found;
  for (const KindLine& kind : kinds)
    if (kind.dropped > 0 && kind.dropped <= near_share &&
        (kind.compute > compute.compute || kind.memory > memory.memory))
      found.push_back(&kind);
  return found;
}

Inspection inspect(const Mask& mask, const InspectionOptions& options) { return Inspector(mask, options).run(); }

}  // namespace sparsesim
