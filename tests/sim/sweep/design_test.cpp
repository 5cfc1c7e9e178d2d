// Which points a sweep has: values, products, samples, conditions; and what is refused.
#include "sim/sweep/design.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

namespace sparsesim::sweep {
namespace {

using List = std::vector<std::string>;

Request request(List vary, List where = {}) { return {"", "a100", "pruned-linear", std::move(vary), std::move(where)}; }

List values_of(const std::string& text) {
  return Design::read(request({"workload.seed=" + text})).parameters().at(2).values.list;
}

/// The design of a specification.
Design of_text(const std::string& yaml) {
  const auto path = std::filesystem::temp_directory_path() / "sparsesim_design_test.yaml";
  std::ofstream(path) << yaml;
  return Design::read({path.string(), "", "", {}, {}});
}

std::string refused(const std::string& yaml) {
  try {
    of_text("substrate: a100\nworkload: pruned-linear\n" + yaml);
  } catch (const config::ConfigError& error) {
    return error.mistakes().front().message;
  }
  return "";
}

}  // namespace

TEST_CASE("values on a command line: lists, steps that end where the user says, logarithmic points") {
  CHECK(values_of("10 MiB,20 MiB") == List{"10 MiB", "20 MiB"});
  CHECK(values_of("0.5:0.8:0.1") == List{"0.5", "0.6", "0.7", "0.8"});
  CHECK(values_of("1:10:4") == List{"1", "5", "9"});
  CHECK(values_of("log:1:1024:6") == List{"1", "4", "16", "64", "256", "1024"});
  CHECK(values_of("log:1:8:7") == List{"1", "2", "3", "4", "6", "8"});  // whole ends: 1.41 and 2 meet, 2.83, 5.66 round
  CHECK(values_of("log:1.0:100.0:3") == List{"1", "10", "100"});
  CHECK(values_of("10 MiB:30 MiB:10 MiB") == List{"10 MiB", "20 MiB", "30 MiB"});
}

TEST_CASE("a command line replaces what a file says of a path; a path given twice in one of them is refused") {
  const auto path = std::filesystem::temp_directory_path() / "sparsesim_design_test.yaml";
  std::ofstream(path) << "substrate: a100\nworkload: pruned-linear\nvary: {workload.seed: [1, 2]}\n";
  const auto values = [&](const std::string& substrate, const List& vary) {
    const Design design = Design::read({path.string(), substrate, "", vary, {}});
    return List{design.parameters().at(0).values.list.back(), design.parameters().back().values.list.back()};
  };
  CHECK(values("", {}) == List{"a100", "2"});
  CHECK(values("", {"workload.seed=3", "substrate=a100,h100"}) == List{"h100", "3"});
  CHECK(values("l40s", {}) == List{"l40s", "2"});
  CHECK_THROWS_WITH(values("", {"workload.seed=3", "workload.seed=4"}),
                    "--vary workload.seed=4: error: workload.seed is given twice");
  CHECK_THROWS_WITH(values("l40s", {"substrate=a100"}), "--vary substrate=a100: error: substrate is given twice");
  CHECK(refused("vary: {substrate: [h100]}") == "substrate is given twice");
  CHECK_THROWS_WITH(Design::read({"", "", "", {}, {}}),
                    "--substrate: error: no substrate is given\n--workload: error: no workload is given");
  CHECK(Design::read({"", "", "moe64", {"substrate=a100,h100"}, {}}).size() == 2);
}

TEST_CASE("a product has every combination once, the last parameter fastest") {
  const Design design = Design::read(request({"workload.seed=1,2,3", "substrate.memory.l2.capacity=1MiB,2MiB"}));
  REQUIRE(design.size() == 6);
  CHECK(design.setting(0) == List{"a100", "pruned-linear", "1", "1MiB"});
  CHECK(design.setting(1) == List{"a100", "pruned-linear", "1", "2MiB"});
  std::set<List> seen;
  for (std::int64_t i = 0; i < design.size(); ++i) seen.insert(*design.setting(i));
  CHECK(seen.size() == 6);
}

TEST_CASE("conditions keep the points for which they hold") {
  const auto kept = [](const std::string& condition) {
    return Design::read(request({"workload.seed=1:10:1", "workload.ops.a-b.m=1:10:1"}, {condition})).count();
  };
  CHECK(kept("workload.seed <= workload.ops.a-b.m") == 55);
  CHECK(kept("workload.seed < workload.ops.a-b.m") == 45);
  CHECK(kept("workload.seed == workload.ops.a-b.m") == 10);
  CHECK(kept("workload.seed != 3") == 90);
  CHECK(kept("2 * workload.seed - 1 > 10 / (1 + 1)") == 70);  // seed > 3
  CHECK(kept("-workload.seed >= -2") == 20);
  CHECK(kept("workload.seed * 1 KiB > 8 kB") == 30);  // 1024 seed > 8000
}

TEST_CASE("samples stay inside their ranges, are the same again, and differ by seed") {
  const auto of_seed = [](const std::string& method, int seed) {
    return of_text("substrate: a100\nworkload: pruned-linear\nsample: {method: " + method +
                   ", points: 64, seed: " + std::to_string(seed) +
                   "}\nvary:\n  workload.ops.a.sparsity: {from: 0.25, to: 0.75}\n  workload.ops.a.m: {from: 1, to: "
                   "4096, scale: log}\n");
  };
  for (const std::string method : {"random", "sobol"}) {
    const Design design = of_seed(method, 1);
    REQUIRE(design.size() == 64);
    int low_half = 0, small = 0;
    for (std::int64_t i = 0; i < 64; ++i) {
      const auto setting = *design.setting(i);
      const double sparsity = *numeric(setting[2]), m = *numeric(setting[3]);
      CHECK((sparsity >= 0.25 && sparsity < 0.75));
      CHECK((m >= 1 && m <= 4096 && m == std::floor(m)));
      low_half += sparsity < 0.5;
      small += m < 64;
      CHECK(design.setting(i) == of_seed(method, 1).setting(i));
    }
    // A Sobol sequence splits every half evenly; 64 random draws deviate by 4 in one of three, by 16 in 1 of 15,000.
    CHECK(std::abs(low_half - 32) <= (method == "sobol" ? 1 : 16));
    CHECK(std::abs(small - 32) <= (method == "sobol" ? 2 : 16));
    CHECK(of_seed(method, 2).setting(0) != design.setting(0));
  }
  CHECK(sample(Sampling::sobol, 2, 5, 0) == sample(Sampling::sobol, 2, 0, 5));  // the seed skips points
}

TEST_CASE("each mistake is named") {
  CHECK(refused("vary: {workload.seed: []}") == "workload.seed has no values");
  CHECK(refused("vary: {workload.seed: {from: 3, to: 1, step: 1}}") == "to must not be below from");
  CHECK(refused("vary: {workload.seed: {from: 1, to: 3}}") == "a range needs a step or points");
  CHECK(refused("vary: {workload.seed: {from: 1, to: 3, step: 0}}") == "\"0\" is no step: a number above 0");
  CHECK(refused("vary: {workload.seed: {from: 0, to: 3, points: 4, scale: log}}") ==
        "a logarithmic range begins above 0");
  CHECK(refused("vary: {workload.seed: {from: 1 GB, to: 3, points: 4}}") == "from and to must have the same unit");
  CHECK(refused("vary: {workload.seed: {from: 1, to: 1e9, step: 1}}") == "more than 1048576 values");
  CHECK(refused("vary: {seed: [1]}") == "\"seed\" is no parameter");
  CHECK(refused("where: [workload.seed < 1]").find("is neither a number nor a parameter") != std::string::npos);
  CHECK(refused("vary: {workload.seed: [1]}\nwhere: [\"workload.seed\"]").find("expected <") != std::string::npos);
  CHECK(refused("where: [substrate < 1]").find("may be \"a100\", which is no number") != std::string::npos);
  CHECK(refused("vary: {workload.seed: [1]}\nwhere: [\"" + std::string(100, '(') + "\"]").find("too deep") !=
        std::string::npos);
  const std::string many = "{from: 1, to: 100000, step: 1}";
  CHECK(refused("vary:\n  workload.ops.a.m: " + many + "\n  workload.ops.a.n: " + many).find("more than") !=
        std::string::npos);
}

}  // namespace sparsesim::sweep
