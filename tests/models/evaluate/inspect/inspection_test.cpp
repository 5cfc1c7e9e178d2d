#include "models/evaluate/inspect/inspection.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "models/evaluate/inspect/mask_picture.h"
#include "models/evaluate/inspect/svg.h"
#include "models/sparsity/formats/mask_formats.h"
#include "sim/core/random.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

/// Stores the places for which `stored` says so.
template <class F>
Mask mask_where(std::int64_t rows, std::int64_t columns, F&& stored) {
  Mask mask{rows, columns, {0}, {}};
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column)
      if (stored(row, column)) mask.indices.push_back(static_cast<std::int32_t>(column));
    mask.offsets.push_back(mask.stored());
  }
  return mask;
}

Mask random_mask(std::int64_t rows, std::int64_t columns, double density) {
  RandomStream random(5, "mask");
  return mask_where(rows, columns, [&](std::int64_t, std::int64_t) { return random.chance(density); });
}

Inspection inspected(const Mask& mask, const Substrate* machine = &a100(), Granule block = {}) {
  return inspect(mask, {.file = "m.npy", .block = block, .substrate = machine});
}

const KindLine& kind(const Inspection& inspection, const std::string& name) {
  for (const KindLine& line : inspection.kinds)
    if (line.kind == name) return line;
  throw std::runtime_error("no kind " + name);
}

const GranuleLine& granule(const Inspection& inspection, const std::string& name) {
  for (const GranuleLine& line : inspection.granules)
    if (line.name == name) return line;
  throw std::runtime_error("no granule " + name);
}

}  // namespace

TEST_CASE("a dense mask is worth nothing, and no kind beats dense") {
  const Inspection full = inspected(mask_where(64, 128, [](auto, auto) { return true; }));
  CHECK(full.sparsity() == 0);
  CHECK(*full.quick_estimate == doctest::Approx(1));
  CHECK(full.best(&KindLine::compute).kind == "dense");
  CHECK(full.best(&KindLine::memory).kind == "dense");
  CHECK(full.near().empty());
}

TEST_CASE("granules of the machine: a line of 128 B holds 64 weights of 2 B") {
  const Inspection half = inspected(mask_where(128, 256, [](auto, auto column) { return column < 128; }));
  const GranuleLine& line = granule(half, "cache line");
  CHECK(line.granule.columns == 64);
  CHECK(line.granules == 128 * 4);
  CHECK(line.occupied == 128 * 2);
  CHECK(line.free_zeros == doctest::Approx(1));
  CHECK(*half.aligned_cache == doctest::Approx(1));
  CHECK(*half.aligned_dispatch == doctest::Approx(1));
  CHECK(*half.quick_estimate == doctest::Approx(2));  // all zeros lie on free lines and steps
  const GranuleLine& step = granule(half, "matrix step");
  CHECK(step.granule.rows == 8);
  CHECK(step.granule.columns == 16);
}

TEST_CASE("every second column is 2:4, and fills every line") {
  const Inspection comb = inspected(mask_where(64, 64, [](auto, auto column) { return column % 2 == 0; }));
  CHECK(kind(comb, "2:4").dropped == 0);
  CHECK(kind(comb, "2:4").work == 0.5);
  CHECK(kind(comb, "2:4").compute == doctest::Approx(a100().compute.pipes.tensor.at("fp16").sparse.value));
  // Of two bytes one is kept, with two bits that say where: 1 / (0.5 (1 + 2 / 16)).
  CHECK(kind(comb, "2:4").memory == doctest::Approx(1 / 0.5625));
  CHECK(kind(comb, "1:4").dropped == 0.5);
  CHECK(*comb.quick_estimate == doctest::Approx(1));
  CHECK(comb.free.columns == 32);
  CHECK(kind(comb, "whole rows and columns").compute == doctest::Approx(2));
}

TEST_CASE("blocks that the mask is made of lose nothing; larger ones pay for what they fill in") {
  const Mask mask = mask_where(128, 128, [](auto row, auto column) { return (row / 16 + column / 16) % 4 == 0; });
  const Inspection blocks = inspected(mask);
  CHECK(kind(blocks, "block 16x16").work == doctest::Approx(0.25));
  CHECK(kind(blocks, "block 16x16").fill == doctest::Approx(1));
  CHECK(kind(blocks, "block 16x16").compute == doctest::Approx(4));
  CHECK(kind(blocks, "block 32x32").work == doctest::Approx(1));  // of four neighbours one is stored
  CHECK(kind(blocks, "block 32x32").fill == doctest::Approx(0.25));
  CHECK(kind(blocks, "block 128x128").compute == doctest::Approx(1));
  // Blocks of 4 x 4 are computed in steps of 8 x 16.
  CHECK(kind(blocks, "block 4x4").compute == doctest::Approx(4));
  CHECK(blocks.best(&KindLine::compute).compute == doctest::Approx(4));
}

TEST_CASE("random zeros: single weights save bytes, and 2:4 is near") {
  const Inspection random = inspected(random_mask(256, 512, 0.1));
  CHECK(random.best(&KindLine::memory).kind == "unstructured");
  // An index of 2 B per weight of 2 B, and 4 B per row of 512.
  CHECK(kind(random, "unstructured").memory == doctest::Approx(1 / (2 * random.density + 4.0 / 1024)));
  CHECK(kind(random, "block 32x32").work == doctest::Approx(1).epsilon(0.01));
  // Four at random with 0.1: 3 of 4 in 0.0036 of the groups, 4 in 0.0001: (0.0036 + 2 x 0.0001) / 0.4 have to go.
  CHECK(kind(random, "2:4").dropped == doctest::Approx(0.0095).epsilon(0.3));
  bool near = false;
  for (const KindLine* line : random.near()) near = near || line->kind == "2:4";
  CHECK(near);
}

TEST_CASE("a mask of blocks is the mask of its weights") {
  const Mask blocks = random_mask(16, 8, 0.3);
  const Mask weights = mask_where(16 * 8, 8 * 16, [&, each = blocks](std::int64_t row, std::int64_t column) {
    const auto places = each.row(row / 8);
    return std::find(places.begin(), places.end(), column / 16) != places.end();
  });
  const Inspection coarse = inspected(blocks, &a100(), {8, 16}), fine = inspected(weights);
  CHECK(coarse.rows == fine.rows);
  CHECK(coarse.columns == fine.columns);
  CHECK(coarse.density == doctest::Approx(fine.density));
  for (const char* name : {"memory sector", "matrix step", "kernel step"}) {
    CHECK(granule(coarse, name).granules == granule(fine, name).granules);
    CHECK(granule(coarse, name).occupied == granule(fine, name).occupied);
    CHECK(granule(coarse, name).free_zeros == doctest::Approx(granule(fine, name).free_zeros));
  }
  for (const char* name : {"block 8x8", "block 16x16", "block 64x64"})
    CHECK(kind(coarse, name).work == doctest::Approx(kind(fine, name).work));
}

TEST_CASE("shares are shares, bounds are above nothing, and both formats hold the same kinds") {
  for (const double density : {0.0, 0.01, 0.5, 1.0})
    for (const Substrate* machine : {&a100(), static_cast<const Substrate*>(nullptr)}) {
      const Inspection inspection = inspected(random_mask(40, 100, density), machine);
      for (const GranuleLine& line : inspection.granules)
        for (const double share : {line.share(), line.fill, line.share_at_random, line.free_zeros}) {
          CHECK(share >= 0);
          CHECK(share <= 1);
        }
      const auto json = nlohmann::json::parse(format_json(inspection));
      CHECK(json["kinds"].size() == inspection.kinds.size());
      CHECK(json["declared_sparsity"] == doctest::Approx(1 - inspection.density));
      CHECK(json.contains("quick_estimate") == (machine != nullptr));
      const std::string table = format_table(inspection);
      for (const KindLine& line : inspection.kinds) {
        CHECK(line.compute > 0);
        CHECK(line.memory > 0);
        CHECK(table.find(line.kind) != std::string::npos);
      }
    }
}

TEST_CASE("pictures stay small, repeat to the byte, and escape what names hold") {
  const Mask worst = random_mask(700, 700, 0.5);  // no two neighbours alike
  Inspection inspection = inspected(worst);
  inspection.file = "a<b>&\x01\xFF.npy";
  const std::string picture = picture_of(worst, inspection);
  CHECK(picture.size() < 500'000);
  CHECK(picture == picture_of(worst, inspection));
  CHECK(picture.find("a&lt;b&gt;&amp; ?.npy") != std::string::npos);
  CHECK(picture.ends_with("</svg>\n"));
  for (const auto& [rows, columns] : {std::pair{1, 1}, std::pair{1, 3000}, std::pair{3000, 1}, std::pair{129, 127}}) {
    const Mask mask = random_mask(rows, columns, 0.5);
    CHECK(picture_of(mask, inspected(mask)).ends_with("</svg>\n"));
    CHECK(picture_of(mask, inspected(mask, nullptr)).ends_with("</svg>\n"));
  }
}

TEST_CASE("published masks: real pruning is unlike chance, and its declared sparsity is in its name") {
  const char* folder = std::getenv("SPARSESIM_DATA");
  if (!folder) {
    MESSAGE("skipped: SPARSESIM_DATA names no folder with dlmc/*.smtx");
    return;
  }
  const auto read = [&](const std::string& name) {
    return read_mask({(std::filesystem::path(folder) / "dlmc" / name).string(), {}});
  };
  for (const auto& [share, sparsity] : {std::pair{"0.5", 0.5}, std::pair{"0.9", 0.9}, std::pair{"0.98", 0.98}}) {
    const Mask mask = read(std::string("transformer/magnitude_pruning/") + share +
                           "/body_decoder_layer_0_ffn_conv1_fully_connected.smtx");
    CHECK(mask.rows == 2048);
    CHECK(mask.columns == 512);
    CHECK(1 - mask.density() == doctest::Approx(sparsity).epsilon(0.001));
  }
  // Magnitude pruning empties some rows and fills others; random pruning does not.
  const auto spread = [&](const char* method) {
    return row_balance(row_counts(read(std::string("transformer/") + method +
                                       "/0.9/body_decoder_layer_0_ffn_conv1_fully_connected.smtx")),
                       1)
        .most_over_mean;
  };
  CHECK(spread("magnitude_pruning") > 2 * spread("random_pruning"));
}

}  // namespace sparsesim
