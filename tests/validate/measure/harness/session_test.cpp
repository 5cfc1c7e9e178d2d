#include "validate/measure/harness/session.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "validate/measure/harness/results.h"

using namespace sparsesim::measure;

namespace {

/// What happened, and what is to happen, in a made-up device whose clock is a counter.
struct Script {
  std::map<std::string, double> seconds;  // of one call, by kernel
  std::map<std::string, double> error;    // by kernel; 0 where not named
  std::vector<std::string> calls;         // kernels in the order in which they ran
  std::vector<std::uint64_t> seeds;       // of each preparation
  int stop_after = -1;                    // calls until the interrupt
  std::atomic<bool> stop{false};
  std::string provenance = "made up; version 1";
};

class FakeRunner : public Runner {
 public:
  FakeRunner(Script& script, std::string kernel) : script_(script), kernel_(std::move(kernel)) {}
  std::string kernel() const override { return kernel_; }
  double error() override { return script_.error[kernel_]; }
  double run(int calls) override {
    script_.calls.push_back(kernel_);
    if (static_cast<int>(script_.calls.size()) == script_.stop_after) script_.stop = true;
    return script_.seconds.at(kernel_) * calls;
  }

 private:
  Script& script_;
  std::string kernel_;
};

class FakeProblem : public Problem {
 public:
  explicit FakeProblem(Script& script) : script_(script) {}
  std::vector<std::unique_ptr<Runner>> runners(const PlanRow& row) override {
    if (row.op == "gemm") return baselines();
    if (row.pattern == "vnm") throw NotHere("no kernel for vnm");
    std::vector<std::unique_ptr<Runner>> out;
    for (const char* kernel : {"tuned:csr", "library:eigen_csr"})
      out.push_back(std::make_unique<FakeRunner>(script_, kernel));
    return out;
  }
  std::vector<std::unique_ptr<Runner>> baselines() override {
    std::vector<std::unique_ptr<Runner>> out;
    for (const char* kernel : {"library:a", "library:b"}) out.push_back(std::make_unique<FakeRunner>(script_, kernel));
    return out;
  }

 private:
  Script& script_;
};

class FakeBackend : public Backend {
 public:
  explicit FakeBackend(Script& script) : script_(script) {}
  std::string name() const override { return "fake"; }
  std::string provenance() const override { return script_.provenance; }
  std::string problem_key(const PlanRow& row) const override {
    if (row.op == "attention") throw NotHere("no attention here");
    return std::to_string(row.m);
  }
  std::unique_ptr<Problem> prepare(const PlanRow&, std::uint64_t seed) override {
    script_.seeds.push_back(seed);
    return std::make_unique<FakeProblem>(script_);
  }

 private:
  Script& script_;
};

PlanRow row_of(const std::string& id, const std::string& op, const std::string& pattern, std::int64_t m,
               const std::string& kernel = {}) {
  PlanRow row;
  row.id = id;
  row.device = "planned";
  row.op = op;
  row.m = m;
  row.n = row.k = 8;
  row.dtype = "fp32";
  row.pattern = pattern;
  row.kernel = kernel;
  return row;
}

/// Runs sessions in a folder of its own.
struct Fixture {
  std::filesystem::path folder;
  Script script;
  std::vector<std::string> reports;
  SessionOptions options;

  Fixture() {
    static int count = 0;
    folder = std::filesystem::temp_directory_path() /
             ("sparsesim-session-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directory(folder);
    script.seconds = {{"library:a", 4e-3}, {"library:b", 2e-3}, {"tuned:csr", 1e-3}, {"library:eigen_csr", 1e-4}};
    options.out = (folder / "r.csv").string();
    options.device = "here";
    options.stop = &script.stop;
    options.report = [this](const std::string& line) { reports.push_back(line); };
  }
  ~Fixture() { std::filesystem::remove_all(folder); }

  SessionOutcome run(const std::vector<PlanRow>& rows) {
    FakeBackend backend(script);
    return measure_plan(backend, rows, options);
  }
  std::map<std::string, Result> results() const {
    std::map<std::string, Result> by_id;
    const Results read(options.out);
    for (const Result& result : read.rows()) by_id.emplace(result.row.id, result);
    return by_id;
  }
  bool has_part() const { return std::filesystem::exists(options.out + ".part"); }
};

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "each kernel is a row, and the fastest dense library is its baseline") {
  const auto outcome = run({row_of("s", "spmm", "unstructured", 1), row_of("g", "gemm", "dense", 1)});
  CHECK(outcome.measured == 4);
  CHECK(reports.empty());
  const auto rows = results();
  REQUIRE(rows.size() == 4);
  CHECK(rows.at("s-csr").time_us == doctest::Approx(1000));
  CHECK(rows.at("s-csr").row.kernel == "tuned:csr");
  CHECK(rows.at("s-csr").row.device == "here");
  CHECK(rows.at("s-csr").baseline == "library:b");
  CHECK(rows.at("s-csr").baseline_us == doctest::Approx(2000));
  CHECK(rows.at("s-eigen_csr").time_us == doctest::Approx(100));
  CHECK(rows.at("g-a").time_us == doctest::Approx(4000));
  CHECK(rows.at("g-a").baseline.empty());  // a dense row has no dense twin
  CHECK_FALSE(has_part());
}

TEST_CASE_FIXTURE(Fixture, "a row's columns are those of measured rows") {
  run({row_of("s", "spmm", "unstructured", 1, "csr")});
  const std::string text = text_of(options.out);
  CHECK(text.substr(0, text.find('\n')) ==
        "id,device,devices,op,m,n,k,dtype,pattern,sparsity,params,kernel,baseline,time_us,baseline_us,speedup,source,"
        "note");
  CHECK(text.find("s,here,1,spmm,1,8,8,fp32,unstructured,,,tuned:csr,library:b,1000,2000,,made up; version 1; " +
                  today()) != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "kernels of a problem take turns, visits are spread over the whole run, data is fresh") {
  options.sampling.visits = 2;
  options.sampling.rounds = options.sampling.most_rounds = 3;
  run({row_of("s", "spmm", "unstructured", 1, "csr"), row_of("t", "spmm", "unstructured", 2, "csr")});
  // Per visit: three lanes warm up (a call, then one sample each: all take a millisecond), then three rounds.
  const std::vector<std::string> round = {"library:a", "library:b", "tuned:csr"};
  std::vector<std::string> visit;
  for (const auto& kernel : round) visit.insert(visit.end(), 2, kernel);
  for (int i = 0; i < 3; ++i) visit.insert(visit.end(), round.begin(), round.end());
  std::vector<std::string> expected;
  for (int i = 0; i < 4; ++i) expected.insert(expected.end(), visit.begin(), visit.end());
  CHECK(script.calls == expected);
  REQUIRE(script.seeds.size() == 4);  // problem 1, 2, 1, 2
  CHECK(script.seeds[0] != script.seeds[2]);
  CHECK(script.seeds[0] != script.seeds[1]);
  CHECK(results().at("s").note.find("samples=6;visits=2") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a short call is repeated until a sample takes a millisecond") {
  script.seconds["tuned:csr"] = 1e-6;
  options.sampling.visits = 1;
  run({row_of("s", "spmm", "unstructured", 1, "csr")});
  CHECK(results().at("s").time_us == doctest::Approx(1));
}

TEST_CASE_FIXTURE(Fixture, "a wrong result is an error that names its row, never a time") {
  script.error["tuned:csr"] = 1.01;
  script.error["library:b"] = std::nan("");
  const auto outcome = run({row_of("s", "spmm", "unstructured", 1)});
  CHECK(outcome.failed == 2);
  CHECK(outcome.measured == 1);
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].find("error: baseline of s (library:b): wrong result") == 0);
  CHECK(reports[1].find("error: s-csr (tuned:csr): wrong result: its largest error is 1.01 times") == 0);
  CHECK(results().contains("s-eigen_csr"));
  CHECK_FALSE(results().contains("s-csr"));
  CHECK(results().at("s-eigen_csr").baseline == "library:a");  // the other one is wrong
}

TEST_CASE_FIXTURE(Fixture, "what the device cannot do is left out by name, once") {
  const auto outcome = run({row_of("v", "spmm", "vnm", 1), row_of("a", "attention", "window", 1),
                            row_of("x", "spmm", "unstructured", 1, "nobody"), row_of("s", "spmm", "unstructured", 1)});
  CHECK(outcome.left_out == 3);
  CHECK(outcome.failed == 0);
  CHECK(outcome.measured == 2);
  CHECK(reports == std::vector<std::string>{"left out: a: no attention here", "left out: v: no kernel for vnm",
                                            "left out: x: no kernel nobody"});
}

TEST_CASE_FIXTURE(Fixture, "rows of an earlier run are kept and not measured again") {
  const std::vector<PlanRow> one = {row_of("s", "spmm", "unstructured", 1)};
  run(one);
  const std::string before = text_of(options.out);
  script.calls.clear();
  auto grown = one;
  CHECK(run(grown).kept == 1);
  CHECK(script.calls.empty());
  grown.push_back(row_of("t", "spmm", "unstructured", 2, "csr"));
  const auto outcome = run(grown);
  CHECK(outcome.kept == 1);
  CHECK(outcome.measured == 1);
  CHECK(text_of(options.out).find(before) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a row with other columns, or of another system, is measured again in its place") {
  run({row_of("s", "spmm", "unstructured", 1, "csr"), row_of("t", "spmm", "unstructured", 2, "csr")});
  script.seconds["tuned:csr"] = 5e-4;
  auto changed = row_of("s", "spmm", "unstructured", 1, "csr");
  changed.sparsity = 0.5;
  CHECK(run({changed}).measured == 1);
  CHECK(results().at("s").time_us == doctest::Approx(500));
  CHECK(results().at("t").time_us == doctest::Approx(1000));
  script.provenance = "made up; version 2";
  CHECK(run({changed}).measured == 1);
}

TEST_CASE_FIXTURE(Fixture, "an interrupt keeps finished rows and visits; the next run goes on from there") {
  options.sampling.visits = 2;
  options.sampling.rounds = options.sampling.most_rounds = 3;
  const std::vector<PlanRow> plan = {row_of("s", "spmm", "unstructured", 1, "csr"),
                                     row_of("t", "spmm", "unstructured", 2, "csr")};
  script.stop_after = 15 * 3 + 2;  // a visit is 15 calls: the third is done (problem 1 is), the fourth has begun
  const auto first = run(plan);
  CHECK(first.interrupted);
  CHECK(first.measured == 1);
  CHECK(results().size() == 1);
  CHECK(has_part());
  script.stop = false;
  script.stop_after = -1;
  script.calls.clear();
  const auto second = run(plan);
  CHECK_FALSE(second.interrupted);
  CHECK(second.kept == 1);
  CHECK(second.measured == 1);
  CHECK(script.calls.size() == 15);  // the last visit of problem 2 alone
  CHECK(results().at("t").note.find("samples=6;visits=2") != std::string::npos);
  CHECK_FALSE(has_part());
}

TEST_CASE_FIXTURE(Fixture, "a torn file of samples costs those visits and nothing else") {
  std::ofstream(options.out + ".part")
      << "samples,\"made up; version 1; seed 1; sample 0.001000\"\n1,0,s,tuned:csr,12;x";
  CHECK(run({row_of("s", "spmm", "unstructured", 1, "csr")}).measured == 1);
  CHECK(results().at("s").note.find("visits=5") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "another file is not overwritten") {
  std::ofstream(options.out) << "id,what\n1,my data\n";
  CHECK_THROWS_AS(run({row_of("s", "spmm", "unstructured", 1)}), std::invalid_argument);
  CHECK(text_of(options.out) == "id,what\n1,my data\n");
}
