// Tokens that leave, are forgotten or wake few neurons: laws of the draws, and of what they leave to do.

#include "models/whole/dynamic.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <set>

#include "models/whole/drawn_pass.h"
#include "models/whole/model_read.h"

namespace sparsesim {
namespace {

constexpr const char* kDecoder =
    "model: {kind: decoder, layers: 8, hidden: 512, intermediate: 1024, heads: 8, vocabulary: 1000, dtype: fp16}\n";

ModelRun dynamic_run(const std::string& dynamic, const std::string& pass, const std::string& model = kDecoder) {
  config::Diagnostics diagnostics;
  config::MapReader top(
      config::load_text(fmt::format("{}dynamic: {}\npass: {}\n", model, dynamic, pass), "dynamic.yaml", diagnostics),
      diagnostics);
  ModelRun run = read_model_run(top);
  top.finish();
  diagnostics.throw_if_any();
  return run;
}

std::string mistakes_of(const std::string& dynamic, const std::string& model = kDecoder) {
  try {
    dynamic_run(dynamic, "{}", model);
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return "";
}

std::vector<PassSequence> generated(std::int64_t count, std::int64_t keys = 100) {
  std::vector<PassSequence> sequences;
  for (std::int64_t i = 0; i < count; ++i) sequences.push_back({i, 1, keys, keys - 1, true, 0});
  return sequences;
}

std::map<std::string, std::string> texts(const std::vector<ModelOp>& ops) {
  std::map<std::string, std::string> found;
  for (const ModelOp& op : ops) found[op.name] = fmt::format("{} x{}", op.keys, op.repeat);
  return found;
}

TEST_CASE("layers between decisions cover all layers once") {
  const Model model =
      dynamic_run("{exit: {layers: [2, 5], shares: [0.1, 0.1]}, tokens: {layers: [2, 3], shares: [0.9, 0.8]}}", "{}")
          .model;
  std::int64_t next = 0;
  std::vector<std::int64_t> firsts;
  for (const LayerRange& range : layer_ranges(model)) {
    CHECK(range.first == next);
    firsts.push_back(range.first);
    next = range.last + 1;
  }
  CHECK(next == 8);
  CHECK(firsts == std::vector<std::int64_t>{0, 2, 3, 5});
}

TEST_CASE("tokens leave with the shares that were asked for, each of them once") {
  const Model model = dynamic_run("{exit: {layers: [2, 5], shares: [0.3, 0.2]}}", "{}").model;
  const TokenDraws draws(model, 7);
  const auto sequences = generated(20'000);
  for (const LayerRange& range : layer_ranges(model)) {
    const RangeWork work = work_in_range(model, draws, range, sequences);
    const double expected = range.first == 0 ? 1 : range.first == 2 ? 0.7 : 0.5;
    CHECK(work.tokens + work.owed == 20'000);
    // Five standard deviations of a binomial count.
    CHECK(std::abs(static_cast<double>(work.tokens) - 20'000 * expected) <= 5 * std::sqrt(20'000 * 0.25));
  }
  // Another place of the same request is another draw, the same one is the same.
  std::set<std::int64_t> depths;
  for (std::int64_t place = 1; place < 64; ++place) depths.insert(draws.depth(3, place));
  CHECK(depths == std::set<std::int64_t>{2, 5, 8});
  CHECK(draws.depth(3, 17) == TokenDraws(model, 7).depth(3, 17));
}

TEST_CASE("the relative spread of who is left falls with the square root of the batch") {
  const Model model = dynamic_run("{exit: {layers: [4], shares: [0.5]}}", "{}").model;
  const auto deviation = [&](std::int64_t batch) {
    constexpr int kSeeds = 400;
    double sum = 0, squares = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
      const RangeWork work = work_in_range(model, TokenDraws(model, static_cast<std::uint64_t>(seed)),
                                           layer_ranges(model)[1], generated(batch));
      const double share = static_cast<double>(work.tokens) / static_cast<double>(batch);
      sum += share;
      squares += share * share;
    }
    const double mean = sum / kSeeds;
    CHECK(mean == doctest::Approx(0.5).epsilon(0.1));
    return std::sqrt(squares / kSeeds - mean * mean);
  };
  CHECK(deviation(16) / deviation(256) == doctest::Approx(4).epsilon(0.2));
}

TEST_CASE("prompts keep their share, of every length, and at least one token") {
  const Model model = dynamic_run("{tokens: {layers: [2, 4], shares: [0.5, 0.1], spread: 0.3}}", "{}").model;
  const TokenDraws draws(model, 1);
  double mean = 0;
  for (std::int64_t request = 0; request < 2000; ++request) {
    CHECK(draws.kept(request, 1000, 1) == 1000);
    const std::int64_t first = draws.kept(request, 1000, 2), second = draws.kept(request, 1000, 7);
    CHECK(second <= first);
    CHECK(second >= 1);
    mean += static_cast<double>(first) / 2000;
    CHECK(draws.kept(request, 1, 7) == 1);
  }
  CHECK(mean == doctest::Approx(500).epsilon(0.03));
}

TEST_CASE("chunks of a prompt keep together what the whole keeps, and later tokens see it") {
  const Model model = dynamic_run("{tokens: {layers: [4], shares: [0.25]}}", "{}").model;
  const TokenDraws draws(model, 1);
  const LayerRange late = layer_ranges(model)[1];
  std::int64_t sum = 0;
  for (std::int64_t end = 100; end <= 800; end += 100) {
    const std::vector<PassSequence> chunk{{0, 100, end, 800 - 0, false, 0}};
    // Of the prompt this pass knows `end` tokens.
    const std::vector<PassSequence> seen{{0, 100, end, end, false, 0}};
    sum += work_in_range(model, draws, late, seen).tokens;
    CHECK(work_in_range(model, draws, layer_ranges(model)[0], chunk).tokens == 100);
  }
  CHECK(sum == 200);
  const std::vector<PassSequence> decode{{0, 1, 810, 800, true, 0}};
  const RangeWork work = work_in_range(model, draws, late, decode);
  CHECK(work.sequences[0].keys == 210);
  CHECK(work.tokens == 1);
}

TEST_CASE("a step needs the union of its tokens' channels") {
  const Model one = dynamic_run("{activation: {sparsity: 0.9}}", "{}").model;
  const Model alike = dynamic_run("{activation: {sparsity: 0.9, overlap: 1}}", "{}").model;
  const auto needed = [](const Model& model, std::vector<PassSequence> sequences) {
    return work_in_range(model, TokenDraws(model, 1), layer_ranges(model)[0], sequences).needed;
  };
  CHECK(needed(one, generated(1)) == doctest::Approx(0.1));
  CHECK(needed(one, generated(4)) == doctest::Approx(1 - std::pow(0.9, 4)));
  CHECK(needed(alike, generated(4)) == doctest::Approx(0.1));
  auto with_prompt = generated(4);
  with_prompt.push_back({9, 32, 32, 32, false, 0});
  CHECK(needed(one, with_prompt) == 1);
  const Model asked = with_needed_channels(one, 0.25);
  CHECK(texts(range_token_ops(asked, {0, 7}, 4))["mlp.down"] ==
        "op: activation_gemm, m: 4, n: 512, k: 1024, dtype: fp16, sparsity: 0.75, overlap: 1 x8");
}

TEST_CASE("when nobody leaves, the ops are those of the model as it is") {
  for (const char* dynamic : {"{exit: {layers: [4], shares: [0]}}", "{tokens: {layers: [4], shares: [1]}}"}) {
    for (const char* pass : {"{phase: decode, batch: 16, keys: 300}", "{batch: 2, seq: 256}"}) {
      const ModelRun run = dynamic_run(dynamic, pass);
      const DrawnPass drawn(run.model, run.pass, "dynamic.yaml");
      std::map<std::string, std::int64_t> repeats, expected;
      for (const DrawnSlot& slot : drawn.slots()) {
        if (!slot.extra) repeats[slot.op.keys] += slot.op.repeat;
        const auto now = drawn.at(slot.op.name, 3);
        if (slot.extra) continue;
        REQUIRE(now.op);
        CHECK(now.share == doctest::Approx(1));
      }
      for (const ModelOp& op : ops_of_pass(unpruned(run.model), run.pass)) expected[op.keys] += op.repeat;
      CHECK(repeats == expected);
    }
  }
}

TEST_CASE("when all leave, later layers get nothing but the keys and values they are owed") {
  const ModelRun run = dynamic_run("{exit: {layers: [4], shares: [1]}}", "{phase: decode, batch: 16, keys: 300}");
  const DrawnPass drawn(run.model, run.pass, "dynamic.yaml");
  for (const DrawnSlot& slot : drawn.slots()) {
    const bool late = slot.op.name.starts_with("layers 4-7");
    const bool owed = slot.op.name.ends_with("owed_keys") || slot.op.name.ends_with("similarity");
    CAPTURE(slot.op.name);
    CHECK((drawn.at(slot.op.name, 1).op != nullptr) == (!late || owed));
    CHECK(slot.extra == (late && slot.op.name.find("exit.") != std::string::npos));
    if (slot.op.name.ends_with("owed_keys")) {
      CHECK(slot.op.repeat == 4);
      CHECK(slot.op.keys == "op: gemm, m: 16, n: 1024, k: 512, dtype: fp16");
    }
  }
}

TEST_CASE("what cannot be is refused at its place") {
  CHECK(mistakes_of("{exit: {layers: [5, 2], shares: [0.1, 0.1]}}").find("must ascend") != std::string::npos);
  CHECK(mistakes_of("{exit: {layers: [2, 5], shares: [0.1]}}").find("1 shares for 2 layers") != std::string::npos);
  CHECK(mistakes_of("{exit: {layers: [2, 5], shares: [0.6, 0.6]}}").find("at most 1") != std::string::npos);
  CHECK(mistakes_of("{exit: {layers: [8], shares: [0.6]}}").find("dynamic.yaml:2:") != std::string::npos);
  CHECK(mistakes_of("{tokens: {layers: [2, 5], shares: [0.1, 0.6]}}").find("they descend") != std::string::npos);
  CHECK(mistakes_of("{activation: {sparsity: 0.5, modules: [head]}}").find("no product of a layer") !=
        std::string::npos);
  CHECK(mistakes_of("{routing: {draws: 4}}").find("has no experts") != std::string::npos);
  CHECK(mistakes_of("{exits: {}}").find("did you mean \"exit\"") != std::string::npos);
  const std::string staged = std::string(kDecoder) + "parallel: {pipeline: 2}\n";
  CHECK(mistakes_of("{exit: {layers: [4], shares: [0.5]}}", staged).find("not modelled") != std::string::npos);
  CHECK(mistakes_of("{activation: {sparsity: 0.5}}", staged) == "");
}

}  // namespace
}  // namespace sparsesim
