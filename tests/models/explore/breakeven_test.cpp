// Break-even values: what physics says of them, and that both sides are what `run` says.
#include "models/explore/breakeven.h"

#include <doctest/doctest.h>

#include "models/ops/op.h"

namespace sparsesim {
namespace {

const SearchPath kMachines{{SPARSESIM_SOURCE_DIR "/substrates"}}, kWorks{{SPARSESIM_SOURCE_DIR "/workloads"}};

BreakevenRequest zeros(std::string also = "", std::vector<std::string> set = {}) {
  return {"a100", "pruned-linear", "workload.ops.linear.sparsity=0.5:0.99", std::move(also), std::move(set)};
}

BreakevenResult found(const BreakevenRequest& request, BreakevenOptions options = {.points = 5, .interval = false}) {
  const BreakevenDesign design = BreakevenDesign::read(request);
  Study study(design.parameters, {kMachines, kWorks, false});
  check_values(design, study);
  return find_breakeven(design, study, options);
}

std::string mistake(const BreakevenRequest& request) {
  try {
    const BreakevenDesign design = BreakevenDesign::read(request);
    Study study(design.parameters, {kMachines, kWorks, false});
    check_values(design, study);
  } catch (const config::ConfigError& error) {
    return error.mistakes().front().position.file + ": " + error.mistakes().front().message;
  }
  return "";
}

}  // namespace

TEST_CASE("the sparsity that pays falls when the dense twin gets slower") {
  // Dense products of 1024 rows are bound by the matrix units, CSR by gathers: half the matrix unit, a smaller hurdle.
  const auto result = found(zeros("substrate.compute.pipes.tensor.fp16.dense=512/cycle,1024/cycle,2048/cycle",
                                  {"workload.ops.linear.m=1024"}));
  REQUIRE(result.series.size() == 3);
  std::vector<double> sparsity;
  for (const BreakevenSeries& series : result.series) {
    REQUIRE(series.crossings.size() == 1);
    CHECK(series.verdict == Payoff::crosses);
    CHECK(series.crossings[0].upward);
    sparsity.push_back(std::stod(series.crossings[0].pays));
  }
  CHECK(sparsity[0] < sparsity[1]);
  CHECK(sparsity[1] < sparsity[2]);
}

TEST_CASE("both sides of a break-even are what a run says, and a thousandth of the range apart") {
  const auto result = found(zeros("", {"workload.ops.linear.m=1024"}));
  REQUIRE(result.series.at(0).crossings.size() == 1);
  const Crossing& crossing = result.series[0].crossings[0];
  CHECK(crossing.closed);
  CHECK(crossing.speedup_fails <= 1);
  CHECK(crossing.speedup_pays > 1);
  CHECK(std::abs(std::stod(crossing.pays) - std::stod(crossing.fails)) <= 0.49e-3 + 1e-12);
  for (const bool pays : {true, false}) {
    const auto at = sweep::Design::read(
        {"",
         "a100",
         "pruned-linear",
         {"workload.ops.linear.m=1024", "workload.ops.linear.sparsity=" + (pays ? crossing.pays : crossing.fails)},
         {}});
    Study study(at.parameters(), {kMachines, kWorks, false});
    const double speedup = study.simulate(study.resolve(*at.setting(0))).realised_speedup;
    CHECK(speedup == (pays ? crossing.speedup_pays : crossing.speedup_fails));
  }
}

TEST_CASE("a higher target needs more zeros") {
  const auto needed = [](double target) {
    const auto result =
        found(zeros("", {"workload.ops.linear.m=1024"}), {.target = target, .points = 5, .interval = false});
    return std::stod(result.series[0].crossings.at(0).pays);
  };
  CHECK(needed(1) < needed(1.3));
}

TEST_CASE("2:4 on a machine without sparse matrix units is the dense twin and never pays") {
  const auto result = found({"v100", "pruned-2to4", "workload.ops.up.m=64:4096:log", "", {}});
  CHECK(result.series[0].verdict == Payoff::never);
  CHECK(result.series[0].crossings.empty());
  for (const ScanPoint& point : result.series[0].scan) CHECK(point.speedup == 1);
}

TEST_CASE("the interval of a break-even encloses it") {
  const auto result = found(zeros("", {"workload.ops.linear.m=1024"}), {.points = 3});
  const Crossing& crossing = result.series[0].crossings.at(0);
  if (crossing.low) CHECK(std::stod(*crossing.low) <= std::stod(crossing.pays));
  if (crossing.high) CHECK(std::stod(*crossing.high) >= std::stod(crossing.pays));
  CHECK((crossing.low || crossing.high));
  for (const ScanPoint& point : result.series[0].scan) {
    CHECK(point.low <= point.speedup);
    CHECK(point.speedup <= point.high);
  }
}

TEST_CASE("crossings are the same for any number of threads, and nothing is concluded after a stop") {
  const auto text = [](int threads) {
    const auto result =
        found(zeros("workload.ops.linear.m=1,64,1024"), {.points = 4, .interval = false, .threads = threads});
    std::string all;
    for (const BreakevenSeries& series : result.series)
      for (const Crossing& c : series.crossings)
        all += series.also + " " + c.pays + " " + std::to_string(c.speedup_pays) + " " + c.fails + "\n";
    return all;
  };
  const std::string one = text(1);
  CHECK_FALSE(one.empty());
  CHECK(text(2) == one);
  CHECK(text(5) == one);
  const std::atomic<bool> stop = true;
  CHECK_FALSE(found(zeros(), {.points = 3, .interval = false, .stop = &stop}).finished);
}

TEST_CASE("each value of a list is answered by itself") {
  const auto result = found({"", "pruned-2to4", "substrate=v100,a100", "", {"workload.ops.up.m=1024"}});
  const auto& scan = result.series[0].scan;
  REQUIRE(scan.size() == 2);
  CHECK(result.series[0].crossings.empty());
  CHECK(result.series[0].verdict == Payoff::crosses);
  CHECK(scan[0].speedup == 1);
  CHECK(scan[1].speedup > 1.2);
}

TEST_CASE("a wrong question is said in one place") {
  CHECK(mistake(zeros("workload.ops.linear.m=1,-2")).find("m = -2") != std::string::npos);
  CHECK(mistake(zeros("", {"workload.ops.linear.m"})) == "--set workload.ops.linear.m: expected PATH=VALUES");
  CHECK(mistake(zeros("", {"workload.ops.linear.m=1,2"})).find("must have one value") != std::string::npos);
  CHECK(mistake(zeros("workload.ops.linear.sparsity=0.5,0.6")).find("given twice") != std::string::npos);
  CHECK(mistake(zeros("machine.clock=1")).find("is no parameter") != std::string::npos);
  CHECK(mistake({"", "pruned-linear", "workload.seed=1:2", "", {}}).find("no substrate is given") != std::string::npos);
  CHECK(mistake({"a100", "pruned-linear", "workload.ops.linear.sparsity=0.5:1.5", "", {}}).find("sparsity = 1.5") !=
        std::string::npos);
  CHECK(mistake({"a100", "pruned-linear", "workload.ops.linear.sparsity=0.9:0.5", "", {}}).find("--over") == 0);
  CHECK(mistake(zeros()).empty());
}

}  // namespace sparsesim
