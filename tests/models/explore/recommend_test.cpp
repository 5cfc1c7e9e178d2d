// Recommendations: what they rank is physics, what they join is the user's.
#include "models/explore/recommend.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace sparsesim {
namespace {

Substrate machine_named(const std::string& name) {
  return load_substrate(name, SearchPath{{SPARSESIM_SOURCE_DIR "/substrates"}});
}
SpmmSize layer(std::int64_t m) {
  SpmmSize size;
  size.m = m;
  size.n = size.k = 2048;
  return size;
}
Recommendation recommended(const std::string& machine, std::int64_t m, RecommendOptions options = {}) {
  return *recommend(layer(m), machine_named(machine), options);
}
const CandidateResult& candidate_of(const Recommendation& r, const std::string& family, const std::string& format) {
  const auto found = std::find_if(r.candidates.begin(), r.candidates.end(), [&](const CandidateResult& c) {
    return c.candidate.family == family && c.candidate.format == format;
  });
  REQUIRE(found != r.candidates.end());
  return *found;
}
std::string quality_mistake(Recommendation& r, const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() / ("sparsesim_quality" + std::to_string(getpid()) + ".csv");
  std::ofstream(path) << text;
  std::string message;
  try {
    add_quality(r, path);
  } catch (const config::ConfigError& error) {
    message = error.mistakes().front().message + " " + error.mistakes().front().hint;
  }
  std::filesystem::remove(path);
  return message;
}
const Recommendation& of_a100() {
  static const Recommendation r = recommended("a100", 4096);
  return r;
}

}  // namespace

TEST_CASE("at 50 % zeros the matrix unit's own pattern beats single weights anywhere") {
  // 4096 rows of activations bind on arithmetic: 2:4 halves the multiplies, CSR leaves the matrix unit.
  const PatternPoint& unit = candidate_of(of_a100(), "2:4", "2:4").points.at(0);
  const PatternPoint& csr = candidate_of(of_a100(), "unstructured", "csr").points.at(0);
  CHECK(unit.sparsity == 0.5);
  CHECK(unit.speedup > 1.2);
  CHECK(csr.speedup < 1);
  CHECK(unit.verdict < csr.verdict);
}

TEST_CASE("no pattern beats the share of its zeros where arithmetic or bytes bind") {
  for (const CandidateResult& entry : of_a100().candidates)
    for (const PatternPoint& point : entry.points) {
      INFO(point.pattern, " ", entry.candidate.format, " at ", point.sparsity, ": ", point.speedup);
      CHECK(point.speedup <= 1.02 * point.ideal);
      double lost = 1;
      for (const LossTerm& term : point.lost) lost *= term.factor;
      if (!point.lost.empty()) CHECK(point.ideal / lost == doctest::Approx(point.speedup).epsilon(1e-6));
    }
}

TEST_CASE("coarser blocks are not slower than finer ones of the same kernel") {
  const auto blocks = [&](int side) -> const CandidateResult& {
    return candidate_of(of_a100(), "block-" + std::to_string(side) + "x" + std::to_string(side), "bsr");
  };
  for (int side = 4; side < 128; side *= 2)
    for (std::size_t i = 0; i < blocks(side).points.size(); ++i) {
      const PatternPoint &fine = blocks(side).points[i], &coarse = blocks(2 * side).points[i];
      INFO(side, " at ", fine.sparsity, ": ", fine.kernel, " ", fine.speedup, ", then ", coarse.kernel, " ",
           coarse.speedup);
      if (fine.kernel == coarse.kernel) CHECK(coarse.speedup >= 0.95 * fine.speedup);
    }
}

TEST_CASE("nobody dominates the front, and it dominates everybody") {
  const Recommendation& r = of_a100();
  REQUIRE(!r.front.empty());
  for (const PointPlace& place : r.front) CHECK(r.at(place).speedup > 1);
  for (const CandidateResult& entry : r.candidates)
    for (const PatternPoint& point : entry.points) {
      if (point.kernel.empty()) continue;
      bool reached = point.speedup <= 1;
      for (const PointPlace& place : r.front) {
        const PatternPoint& front = r.at(place);
        reached = reached || (front.sparsity <= point.sparsity && front.speedup >= point.speedup);
        CHECK_FALSE((point.sparsity < front.sparsity && point.speedup >= front.speedup));
      }
      CHECK(reached);
    }
}

TEST_CASE("the zeros that a target needs reach it, and a step less does not") {
  const CandidateResult& blocks = candidate_of(of_a100(), "block-64x64", "bsr");
  REQUIRE(blocks.needed.has_value());
  const Substrate a100 = machine_named("a100");
  const auto speedup = [&](double sparsity) {
    const Spmm op(*blocks.candidate.size_at(layer(4096), sparsity));
    return predict(op, a100, 1).realised_speedup();
  };
  CHECK(speedup(*blocks.needed) >= 2);
  CHECK(speedup(*blocks.needed - 0.01) < 2);
  const CandidateResult& fixed = candidate_of(of_a100(), "2:4", "2:4");
  CHECK(fixed.needed.has_value() == (fixed.points.at(0).speedup >= 2));
}

TEST_CASE("a machine without sparse matrix instructions has no kernel for 2:4") {
  RecommendOptions options;
  options.max_sparsity = 0.5;
  const Recommendation r = recommended("v100", 256, options);
  const CandidateResult& entry = candidate_of(r, "2:4", "2:4");
  CHECK(entry.verdict == Verdict::no_kernel);
  CHECK(entry.points.at(0).decides == "no kernel");
  CHECK(entry.points.at(0).speedup == 1);
  CHECK(entry.points.at(0).reason.find("no ") != std::string::npos);
  CHECK_FALSE(entry.needed.has_value());
}

TEST_CASE("a result does not depend on the threads, and a stop leaves none") {
  RecommendOptions options;
  options.max_sparsity = 0.6;
  options.threads = 1;
  const std::string alone = format_json(recommended("h100", 64, options));
  options.threads = 3;
  CHECK(format_json(recommended("h100", 64, options)) == alone);
  std::atomic<bool> stop = true;
  options.stop = &stop;
  CHECK_FALSE(recommend(layer(64), machine_named("h100"), options).has_value());
}

TEST_CASE("a table is the same whether what it does not show was explained or not") {
  RecommendOptions options;
  options.max_sparsity = 0.75;
  const Recommendation all = recommended("a100", 64, options);
  options.explain_all = false;
  const Recommendation shown = recommended("a100", 64, options);
  CHECK(format_table(shown) == format_table(all));
  const auto explained = [](const Recommendation& r) {
    std::size_t count = 0;
    for (const CandidateResult& c : r.candidates)
      for (const PatternPoint& p : c.points) count += !p.lost.empty();
    return count;
  };
  CHECK(explained(shown) < explained(all));
}

TEST_CASE("patterns have the shares of zeros that their ratios allow") {
  const Substrate a100 = machine_named("a100");
  for (const PatternCandidate& candidate : pattern_candidates(layer(1), a100)) {
    for (const double share : candidate.choices(0.95)) {
      CHECK(share <= 0.95 + 1e-9);
      if (const auto size = candidate.size_at(layer(1), share)) CHECK(size->sparsity == doctest::Approx(share));
    }
    if (candidate.family == "2:M") {
      CHECK(candidate.name_at(0.9) == "2:20");
      CHECK_FALSE(candidate.size_at(layer(1), 0.93).has_value());  // 2:28.6
    }
  }
  SpmmSize odd = layer(1);
  odd.n = 2050;  // 2 x 1025: no block and no vector but those of 2 rows
  for (const PatternCandidate& candidate : pattern_candidates(odd, a100))
    if (candidate.kind == "block" || candidate.kind == "vector") CHECK(candidate.family == "vector-2x1");
}

TEST_CASE("a quality is joined by pattern and share of zeros, and none is made up") {
  RecommendOptions options;
  options.max_sparsity = 0.75;
  Recommendation r = recommended("a100", 16, options);
  CHECK(
      quality_mistake(r, "sparsity,pattern,quality\n0.5,unstructured,71\n0.75,2:8,70.5\n0.7,block-32x32,60\n").empty());
  CHECK(candidate_of(r, "unstructured", "csr").points.at(0).quality == 71);
  CHECK(candidate_of(r, "unstructured", "bitmap").points.at(0).quality == 71);
  CHECK_FALSE(candidate_of(r, "unstructured", "csr").points.at(1).quality.has_value());
  CHECK(candidate_of(r, "2:M", "n:m").points.at(0).quality == 70.5);
  for (const PatternPoint& point : candidate_of(r, "block-32x32", "bsr").points) CHECK_FALSE(point.quality.has_value());
  CHECK(quality_mistake(r, "pattern,sparsity,quality\nunstructred,0.5,1\n").find("\"unstructured\"") !=
        std::string::npos);
  CHECK(quality_mistake(r, "pattern,sparsity,quality\n2:4,1.5,1\n").find("from 0 to 1") != std::string::npos);
  CHECK(quality_mistake(r, "pattern,quality\n2:4,1\n").find("missing") != std::string::npos);
  CHECK(quality_mistake(r, "").find("no line") != std::string::npos);
  CHECK(quality_mistake(r, "pattern,sparsity,quality\n2:4,.5,1\n2:4,.5,2\n").find("twice") != std::string::npos);
}

TEST_CASE("the product is the one with the most dense time, or the one named") {
  const SearchPath workloads{{SPARSESIM_SOURCE_DIR "/workloads"}};
  const Workload layer_ops = load_workload("dense-llama-70b-layer", workloads);
  const Substrate a100 = machine_named("a100");
  CHECK(find_product(layer_ops, a100, "").name == "gate_up");  // the most multiply-adds
  CHECK(find_product(layer_ops, a100, "qkv").name == "qkv");
  CHECK_THROWS_AS(find_product(layer_ops, a100, "attention"), config::ConfigError);
  CHECK_THROWS_AS(find_product(layer_ops, a100, "donw"), config::ConfigError);
}

}  // namespace sparsesim
