// Kernel libraries and fabrics: the files that several substrates share.
#include <doctest/doctest.h>

#include "models/substrate/settings.h"
#include "models/substrate/substrate_dump.h"
#include "tests/models/substrate/folder.h"

using namespace sparsesim;

namespace {

const std::string kKernels = R"(kernels:
  - name: tile_large
    op: gemm
    quality: tuned
    dtypes: [bf16, fp16]
    tile: [128, 256, 32]
    stages: 4
    tasks_per_unit: 1
    persistent: true
    constants:
      prologue: {value: 700 cycles, kind: guessed, source: test}
      issue: {value: 0.9, kind: fitted, source: test, fitted_to: odd rows}
      setup: {value: 1.5 us, kind: measured, source: test, low: 1 us, high: 2 us}
      offset: {value: -3, kind: guessed, source: test}
sources: {test: a library}
)";

Substrate load(const Folder& folder, const std::string& text) {
  return load_substrate(folder.write("mine.yaml", text), folder.search());
}

}  // namespace

TEST_CASE("a node holds the product of its base, any other file is a product of its own") {
  const Folder folder;
  CHECK(load(folder, "base: a100\n").product == "mine");
  CHECK(load(folder, "base: a100\ndevices: 8\n").product == "a100-sxm4-80gb");
  CHECK(load(folder, "base: a100\nproduct: h100-sxm5-80gb\n").product == "h100-sxm5-80gb");
  const std::string dump = dump_machine(load(folder, "base: a100\ndevices: 8\n"), {});
  CHECK(load(folder, dump).product == "a100-sxm4-80gb");
}

TEST_CASE("a map of kernels replaces shapes and constants of the library's") {
  const Folder folder;
  folder.write("kernels/sm0/gemm.yaml", kKernels);
  const Substrate mine =
      load(folder,
           "base: a100\narchitecture: sm0\nkernels:\n  tile_large:\n    tile: [64, 64, 32]\n    stages: 3\n"
           "    issue: {value: 0.8, kind: guessed, source: t}\nsources: {t: test}\n");
  const Kernel& kernel = mine.kernels.front();
  CHECK(kernel.tile_m == 64);
  CHECK(kernel.stages == 3);
  CHECK(kernel.persistent);
  CHECK(kernel.constants.at("issue").value == 0.8);
  CHECK(kernel.constants.at("prologue").value == 700);
}

TEST_CASE("files of a library may use one key for two citations, but not one name for two kernels") {
  const Folder folder;
  const std::string other =
      "kernels:\n  - {name: NAME, op: gemm, dtypes: [bf16], constants: {issue: {value: 0.5, kind: "
      "measured, source: [test, more]}}}\nsources: {test: another library, more: of both}\n";
  const auto named = [&](const std::string& name) { return std::string(other).replace(other.find("NAME"), 4, name); };
  folder.write("kernels/sm0/gemm.yaml", kKernels);
  folder.write("kernels/sm0/more.yaml", named("tile_small"));
  const Substrate mine = load(folder, "base: a100\narchitecture: sm0\n");
  REQUIRE(mine.kernels.size() == 2);
  CHECK(mine.kernels[0].constants.at("issue").source == "test");
  CHECK(mine.kernels[1].constants.at("issue").source == "test@more, more");
  CHECK(mine.sources.at("test") == "a library");
  CHECK(mine.sources.at("test@more") == "another library");
  CHECK(mine.sources.at("more") == "of both");

  const std::string path = folder.write("kernels/sm0/more.yaml", named("tile_large"));
  try {
    load(folder, "base: a100\narchitecture: sm0\n");
    FAIL("two kernels of one name");
  } catch (const config::ConfigError& error) {
    REQUIRE(error.mistakes().size() == 1);
    CHECK(error.mistakes()[0].position.file == path);
    CHECK(error.mistakes()[0].position.line == 2);
    CHECK(error.mistakes()[0].message == "kernel \"tile_large\" is there already");
    CHECK(error.mistakes()[0].excerpt.starts_with("  - {name: tile_large"));
  }
}

TEST_CASE("changes stand as if a file based on the machine said them, and it keeps its name") {
  const Folder folder;
  folder.write("kernels/sm0/gemm.yaml", kKernels);
  const std::string path = folder.write("mine.yaml", "base: a100\narchitecture: sm0\n");
  const Substrate mine = load_changed_substrate(
      path, folder.search(),
      {text_change("devices", "4", "d"), text_change("kernels.tile_large.tile", "[64, 32, 16]", "t")});
  CHECK(mine.name == "mine");
  CHECK(mine.devices == 4);
  CHECK(mine.kernels.front().tile_k == 16);
  CHECK(is_text_leaf("kernels.tile_large.stages"));
  CHECK_FALSE(is_text_leaf("kernels.tile_large.issue"));
  CHECK_FALSE(is_text_leaf("memory.dram.peak"));
}

TEST_CASE("the architecture names the folder of the kernel library") {
  const Folder folder;
  folder.write("kernels/sm0/gemm.yaml", kKernels);
  const Substrate mine = load(folder, "base: a100\narchitecture: sm0\n");
  REQUIRE(mine.kernels.size() == 1);
  const Kernel& kernel = mine.kernels.front();
  CHECK(kernel.tile_n == 256);
  CHECK(kernel.persistent);
  CHECK(kernel.patterns == std::vector<std::string>{"dense"});
  CHECK(kernel.constants.at("setup") == 1.5e-6);
  CHECK(kernel.constants.at("setup").dimension == config::Dimension::time);
  CHECK(kernel.constants.at("prologue") == 700);
  CHECK(kernel.constants.at("offset") == -3);
  CHECK(kernel.constants.at("issue").kind == Provenance::fitted);
}

TEST_CASE("constants keep their units through a dump") {
  const Folder folder;
  folder.write("kernels/sm0/gemm.yaml", kKernels);
  const Substrate before = load(folder, "base: a100\narchitecture: sm0\n");
  const Substrate after = load_substrate(folder.write("again.yaml", dump_substrate(before)), SearchPath{});
  CHECK(dump_substrate(after) == dump_substrate(before));
  REQUIRE(after.kernels.size() == 1);
  CHECK(after.kernels[0].constants.at("setup").dimension == config::Dimension::time);
  CHECK(after.kernels[0].constants.at("setup").high == 2e-6);
}

TEST_CASE("two files may use one source key for different citations") {
  const Folder folder;
  folder.write("kernels/sm0/gemm.yaml", kKernels);
  const Substrate mine = load(folder,
                              "base: a100\narchitecture: sm0\n"
                              "compute:\n  clock: {value: 1.5 GHz, kind: spec, source: test}\n"
                              "sources: {test: a device}\n");
  CHECK(mine.sources.at(mine.compute.clock.source) == "a device");
  CHECK(mine.sources.at(mine.kernels[0].constants.at("setup").source) == "a library");
}

TEST_CASE("mistakes of a library are reported in its file") {
  const Folder folder;
  folder.write("kernels/sm0/bad.yaml",
               "kernels:\n"
               "  - {name: a, op: gemm, dtypes: [bf16], tile: [1, 2]}\n"
               "  - {name: a, op: gemm, dtypes: [bf16]}\n"
               "  - {name: b, op: gemm, dtypes: [], quality: good}\n"
               "  - {name: c, op: gemm, dtypes: [bf16], constants: {x: {value: 1 parsec, kind: spec, source: test}}}\n"
               "sources: {test: a library}\n");
  try {
    load(folder, "base: a100\narchitecture: sm0\n");
    FAIL("a bad library loaded");
  } catch (const config::ConfigError& error) {
    std::vector<int> lines;
    for (const config::Mistake& mistake : error.mistakes()) {
      CHECK(mistake.position.file.ends_with("bad.yaml"));
      lines.push_back(mistake.position.line);
    }
    CHECK(lines == std::vector<int>{2, 3, 4, 4, 5});
  }
}

TEST_CASE("a fabric file gives topology, links and collectives; a map in the substrate overrides leaves") {
  const Folder folder;
  folder.write("fabrics/ring.yaml",
               "name: ring\ntopology: mesh\ndevices: 4\n"
               "link:\n"
               "  bandwidth: {value: 100 GB/s, kind: spec, source: test}\n"
               "  efficiency: {value: 80 %, kind: spec, source: test}\n"
               "  latency: {value: 700 ns, kind: spec, source: test}\n"
               "  packet: {value: 128 B, kind: spec, source: test}\n"
               "collectives:\n"
               "  setup: {value: 5 us, kind: measured, source: test}\n"
               "sources: {test: a fabric}\n");
  const Substrate mine = load(folder, "base: a100\ndevices: 4\nfabric: ring\n");
  CHECK(mine.fabric.name == "ring");
  CHECK(mine.fabric.link_bandwidth == 100e9);
  CHECK(mine.fabric.link_efficiency == 0.8);
  CHECK(mine.fabric.collectives.at("setup") == 5e-6);
  folder.write("ringed.yaml", "base: a100\ndevices: 4\nfabric: ring\n");
  const Substrate other = load(folder,
                               "base: ringed\nfabric:\n  link:\n    latency: {value: 1 us, kind: guessed, source: t}\n"
                               "sources: {t: nobody}\n");
  CHECK(other.fabric.link_latency == 1e-6);
  CHECK(other.fabric.link_bandwidth == mine.fabric.link_bandwidth);
}
