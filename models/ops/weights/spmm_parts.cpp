#include "models/ops/weights/spmm_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "sim/core/counts.h"

namespace sparsesim {

std::pair<std::int64_t, std::int64_t> MaskParts::whole(std::int64_t outputs, std::int64_t inputs) const {
  if (by_inputs) return {outputs, inputs * devices};
  return {std::accumulate(segments.begin(), segments.end(), std::int64_t{0}), inputs};
}

Mask MaskParts::of(const Mask& whole, std::int64_t device) const {
  Mask part{0, whole.columns, {0}, {}};
  const auto add_row = [&](std::span<const std::int32_t> columns, std::int32_t first) {
    for (const std::int32_t column : columns) part.indices.push_back(column - first);
    part.offsets.push_back(part.stored());
    ++part.rows;
  };
  if (by_inputs) {
    part.columns = whole.columns / devices;
    const auto first = static_cast<std::int32_t>(device * part.columns);
    for (std::int64_t row = 0; row < whole.rows; ++row) {
      const auto all = whole.row(row);
      const auto begin = std::lower_bound(all.begin(), all.end(), first);
      const auto end = std::lower_bound(begin, all.end(), first + static_cast<std::int32_t>(part.columns));
      add_row({begin, end}, first);
    }
    return part;
  }
  std::int64_t before = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::int64_t each = ceil_div(segments[i], shares[i]), first = device * shares[i] / devices * each;
    for (std::int64_t row = first; row < first + each; ++row)
      add_row(row < segments[i] ? whole.row(before + row) : std::span<const std::int32_t>{}, 0);
    before += segments[i];
  }
  return part;
}

Program SpmmParts::lower(const LowerContext& context) const {
  Program program;
  program.devices = devices();
  for (int device = 0; device < devices(); ++device) {
    Program own = parts_[static_cast<std::size_t>(device)].lower(context);
    for (Stage& stage : own.stages) {
      stage.device = device;
      program.stages.push_back(std::move(stage));
    }
  }
  return program;
}

Program SpmmParts::lower_dense(const LowerContext& context) const {
  const Program one = parts_.front().lower_dense(context);
  Program program;
  program.devices = devices();
  for (int device = 0; device < devices(); ++device)
    for (Stage stage : one.stages) {
      stage.device = device;
      program.stages.push_back(std::move(stage));
    }
  return program;
}

SparsitySummary SpmmParts::sparsity(const LowerContext& context) const {
  SparsitySummary mean{0, 0, 0, 0};
  const auto share = 1 / static_cast<double>(parts_.size());
  for (const Spmm& part : parts_) {
    const SparsitySummary own = part.sparsity(context);
    mean.declared += share * own.declared;
    mean.aligned_cache += share * own.aligned_cache;
    mean.aligned_dispatch += share * own.aligned_dispatch;
    mean.aligned_transfer += share * own.aligned_transfer;
  }
  return mean;
}

MaskParts read_mask_parts(config::MapReader& map, std::int64_t outputs) {
  static constexpr std::array<std::string_view, 2> kSides = {"outputs", "inputs"};
  MaskParts parts;
  parts.devices = map.integer("mask_parts", 1, 1024, 1);
  parts.by_inputs = map.choice("mask_side", kSides, "outputs") == "inputs";
  parts.segments = map.integers("mask_segments", 1, std::int64_t{1} << 31, 16);
  parts.shares = map.integers("mask_shares", 1, parts.devices, 16);
  if (parts.segments.empty()) parts.segments = {outputs * parts.devices};
  if (parts.shares.empty()) parts.shares.assign(parts.segments.size(), parts.devices);
  if (parts.shares.size() != parts.segments.size()) {
    map.mistake("mask_shares", fmt::format("{} shares of {} segments", parts.shares.size(), parts.segments.size()));
    parts.shares.assign(parts.segments.size(), parts.devices);
  }
  for (std::int64_t& share : parts.shares) share = std::max<std::int64_t>(1, share);  // 0 was reported
  std::int64_t own = 0;
  for (std::size_t i = 0; i < parts.segments.size(); ++i) {
    own += ceil_div(parts.segments[i], parts.shares[i]);
    if (parts.devices % parts.shares[i] != 0)
      map.mistake("mask_shares",
                  fmt::format("{} devices cannot have one of {} parts each", parts.devices, parts.shares[i]));
  }
  if (!parts.by_inputs && own != outputs)
    map.mistake("mask_segments", fmt::format("the parts of a device have {} outputs, n is {}", own, outputs));
  return parts;
}

}  // namespace sparsesim
