// Points of a sweep: they are what `run` says of the same inputs, and the same for any number of threads.
#include "models/explore/study.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "models/explore/sweep_run.h"

namespace sparsesim {
namespace {

using List = std::vector<std::string>;

const SearchPath kSubstrates{{SPARSESIM_SOURCE_DIR "/substrates"}}, kWorkloads{{SPARSESIM_SOURCE_DIR "/workloads"}};

sweep::Design design(List vary, const std::string& substrate = "a100", const std::string& workload = "pruned-linear") {
  return sweep::Design::read({"", substrate, workload, std::move(vary), {}});
}
Study study(const sweep::Design& design, bool waterfall = false) {
  return Study(design.parameters(), {kSubstrates, kWorkloads, waterfall});
}
sweep::PointRow point(const sweep::Design& design, std::int64_t position = 0) {
  Study all(design.parameters(), {kSubstrates, kWorkloads, true});
  return all.simulate(all.resolve(*design.setting(position)));
}
std::string mistake(const sweep::Design& design) {
  Study all(design.parameters(), {kSubstrates, kWorkloads, false});
  try {
    check_values(design, all);
  } catch (const config::ConfigError& error) {
    return error.mistakes().front().message;
  }
  return "";
}

/// A results file of a sweep, gone at the end.
struct Results {
  explicit Results(const std::string& name)
      : path(std::filesystem::temp_directory_path() / (name + std::to_string(getpid()) + ".sqlite")) {
    std::filesystem::remove(path);
  }
  ~Results() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("absent is the machine or the workload without the key") {
  const sweep::Design side = design({"substrate.memory.side=absent"}, "mi300x", "dense-llama-70b-layer");
  Study all = study(side);
  const StudyPoint without = all.resolve(*side.setting(0));
  CHECK_FALSE(without.substrate->memory.side_bytes.given());
  CHECK_FALSE(without.substrate->memory.side_latency.given());
  const sweep::Design both = design({"substrate.memory.side=present,absent"}, "mi300x", "dense-llama-70b-layer");
  CHECK(all.resolve(*side.setting(0)).hash == study(both).resolve(*both.setting(1)).hash);
  CHECK(study(both).resolve(*both.setting(0)).substrate->memory.side_bytes.given());
  CHECK(without.substrate->memory.l2_bytes.given());
  // A window of all keys is none: what the file would say without it.
  const sweep::Design window = design({"workload.ops.attention.window=absent,1024"}, "a100", "window-attention-32k");
  CHECK(point(window, 0).sparse_us > point(window, 1).sparse_us);
  // A kernel less, a type less, a pattern less.
  const sweep::Design less = design({"substrate.kernels.cutlass_gemm_128x128=absent"});
  CHECK(mistake(less).find("unknown path") != std::string::npos);
  const sweep::Design type = design({"substrate.compute.pipes.tensor.int8=absent"});
  CHECK_FALSE(study(type).resolve(*type.setting(0)).substrate->compute.pipes.tensor.contains("int8"));
}

TEST_CASE("what cannot be absent says so") {
  CHECK(mistake(design({"substrate.memory.l2=absent"})) ==
        "memory.l2: every machine has memory.l2.capacity: it cannot be absent");
  CHECK(mistake(design({"substrate.memory.side.latency=absent"}, "mi300x", "dense-llama-70b-layer")) ==
        "missing key \"memory.side.latency\"");
  CHECK(mistake(design({"substrate.devices=absent"})).find("is always there") != std::string::npos);
  CHECK(mistake(design({"workload.ops.linear.sparsty=absent"})).find("has no such key") != std::string::npos);
  CHECK(mistake(design({"workload.ops.linear.m=absent"})).find("missing key \"m\"") != std::string::npos);
  CHECK(mistake(design({"substrate.memory.sid=absent"})).find("unknown path") != std::string::npos);
  CHECK(mistake(design({"substrate.memory.side=present"})).find("has nothing there") != std::string::npos);
  CHECK(mistake(design({"workload.ops.linear.sparsty=present"})).find("has no such key") != std::string::npos);
}

TEST_CASE("a point without changes is what run says") {
  const sweep::PointRow row = point(design({}));
  const RunResult result = run(load_workload("pruned-linear", kWorkloads), load_substrate("a100", kSubstrates), {});
  CHECK(row.dense_us == result.dense.us());
  CHECK(row.sparse_us == result.sparse.us());
  CHECK(row.ops.size() == 1);
  double lost = 1;
  for (const auto& [term, factor] : row.lost) lost *= factor;
  CHECK(row.ideal_speedup / lost == doctest::Approx(row.realised_speedup));
}

TEST_CASE("a machine that lacks what a workload needs has a reason instead of a result, and the sweep goes on") {
  // No fabric, too few devices, and a size whose tiles are too many to simulate.
  const auto mixed = design({}, "scnn-64,a100-x8", "prune-and-regrow,moe64");
  CHECK_FALSE(point(mixed, 0).error.empty());
  CHECK(point(mixed, 3).error.empty());
  const sweep::PointRow large = point(design({"workload.ops.linear.m=2147483648"}));
  CHECK(large.error.find("tiles") != std::string::npos);
  CHECK(large.realised_speedup == 0);
}

TEST_CASE("values reach the machine and the op that they name") {
  // Weights of 9216^2 halves stream from memory for one row of activations: half the bandwidth, twice the time.
  const auto bandwidth = design({"workload.ops.linear.m=1", "substrate.memory.dram.achieved=0.8 TB/s,1.6 TB/s"});
  const double ratio = point(bandwidth, 0).dense_us / point(bandwidth, 1).dense_us;
  CHECK(ratio == doctest::Approx(2).epsilon(0.1));
  const auto zeros = design({"workload.ops.linear.sparsity=0.5,0.95"});
  CHECK(point(zeros, 0).dense_us == point(zeros, 1).dense_us);
  CHECK(point(zeros, 0).sparse_us > point(zeros, 1).sparse_us);
  CHECK(point(design({"workload.ops.*.m=1"})).dense_us == point(design({"workload.ops.linear.m=1"})).dense_us);
}

TEST_CASE("a matrix unit that skips a further pattern can be asked for") {
  const auto what_if = design({"substrate.compute.pipes.tensor.fp16.n_of_m.6:8=1.01,1.3333"}, "a100", "pruned-n-of-m");
  const sweep::OpRow slow = point(what_if, 0).ops.at(3), fast = point(what_if, 1).ops.at(3);
  REQUIRE(fast.name == "prefill-6:8");
  CHECK(fast.fallback.empty());
  CHECK(fast.sparse_us < 0.9 * slow.sparse_us);
}

TEST_CASE("leaves that are no numbers reach the machine, too") {
  const auto libraries = design({"substrate.architecture=sm80,sm90"}, "a100");
  CHECK(point(libraries, 0) == point(design({})));
  CHECK(point(libraries, 1).dense_us != point(libraries, 0).dense_us);
  const auto devices = design({"substrate.devices=1,2,8"}, "h100-x8", "moe64");
  Study all = study(devices);
  for (int i = 0; i < 3; ++i) CHECK(all.resolve(*devices.setting(i)).substrate->devices == (i == 2 ? 8 : i + 1));
  CHECK(mistake(design({"substrate.devices=2,x"})).find("devices = x: devices must be") != std::string::npos);
  CHECK(mistake(design({"substrate.devices=9"})).find("fabric joins 8") != std::string::npos);
  CHECK(mistake(design({"substrate.fabric=hgx"})).find("no fabric is called") != std::string::npos);
}

TEST_CASE("a value may be a list") {
  const auto blocks = design({"workload.ops.linear.block=[32,32],[64,64]"}, "a100", "pruned-block");
  CHECK(blocks.setting(1)->back() == "[64,64]");
  CHECK(point(blocks, 1).sparse_us < point(blocks, 0).sparse_us);
}

TEST_CASE("equal inputs have one key, others have others") {
  const sweep::Design one = design({"workload.ops.linear.m=64,65,64"}), two = design({"workload.seed=1"});
  Study a = study(one), b = study(two), c = study(one, true);
  CHECK(a.resolve(*one.setting(0)).hash == a.resolve(*one.setting(2)).hash);
  CHECK(a.resolve(*one.setting(0)).hash != a.resolve(*one.setting(1)).hash);
  CHECK(a.resolve(*one.setting(0)).hash == b.resolve(*two.setting(0)).hash);  // both are the file's own values
  CHECK(a.resolve(*one.setting(0)).hash != c.resolve(*one.setting(0)).hash);
}

TEST_CASE("wrong values are said before anything runs") {
  CHECK(mistake(design({"workload.ops.linear.sparsity=0.5,1.5"})).find("sparsity = 1.5") != std::string::npos);
  CHECK(mistake(design({"workload.ops.linear.sparsty=0.5"})).find("unknown key \"sparsty\"") != std::string::npos);
  CHECK(mistake(design({"workload.ops.lineal.m=1"})).find("no op of") != std::string::npos);
  CHECK(mistake(design({"substrate.memory.l2.capcity=1 MiB"})).find("memory.l2.capacity") != std::string::npos);
  CHECK(mistake(design({"substrate.memory.l2.capacity=1 GHz"})).find("is not a") != std::string::npos);
  CHECK(mistake(design({"substrate.memory.dram.achieved=9 TB/s"})).find("above memory.dram.peak") != std::string::npos);
  CHECK(mistake(design({}, "a1000")).find("a1000") != std::string::npos);
  CHECK(mistake(design({"workload.ops.linear.m=1,2"})).empty());
}

TEST_CASE("a sweep has the same rows for any number of threads, and goes on where it was stopped") {
  const sweep::Design points =
      design({"workload.ops.linear.sparsity=0.5:0.9:0.1", "workload.ops.linear.m=1,64,64"}, "a100,h100");
  const auto rows = [&](int threads, std::int64_t stop_after) {
    Results results("sparsesim_study_test");
    Study all = study(points);
    std::atomic<bool> stop = false;
    SweepOptions options{threads, &stop, [&](std::int64_t done, std::int64_t) { stop = stop || done == stop_after; }};
    SweepOutcome first, second;
    {
      sweep::Store store(results.path, sweep::Store::Mode::write);
      first = run_sweep(points, all, store, options);
    }
    stop = false;
    options.progress = {};
    sweep::Store store(results.path, sweep::Store::Mode::write);
    second = run_sweep(points, all, store, options);
    CHECK(first.finished == (stop_after == 0));
    CHECK(second.finished);
    CHECK(first.simulated + second.simulated >= 20);  // of 30 places a third repeats another's inputs
    std::vector<std::tuple<std::int64_t, List, std::string, double>> out;
    store.for_each(store.sweeps().at(0).first, [&](const sweep::MemberRow& member, const sweep::PointRow& row) {
      out.emplace_back(member.position, member.setting, row.hash, row.sparse_us);
    });
    return out;
  };
  const auto expected = rows(1, 0);
  CHECK(expected.size() == 30);
  CHECK(rows(2, 0) == expected);
  CHECK(rows(3, 7) == expected);
}

}  // namespace sparsesim
