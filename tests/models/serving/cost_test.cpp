#include <doctest/doctest.h>

#include <numeric>

#include "models/evaluate/workload.h"
#include "models/serving/model_cost.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

const SearchPath kWorkloads{{SPARSESIM_SOURCE_DIR "/workloads"}};

Model shipped_model(const char* workload) { return load_workload(workload, kWorkloads).model->model; }

std::vector<StepSequence> alike(std::int64_t count, std::int64_t queries, std::int64_t keys) {
  return std::vector<StepSequence>(static_cast<std::size_t>(count), StepSequence{0, queries, keys, true, queries == 1});
}

double seconds_of(const StepTime& time) { return (time.stage + time.head).seconds(); }

/// The node with nobody who calls op by op: steps without graphs take the device's time.
const Substrate& without_framework() {
  static const Substrate node = [] {
    Substrate out = machine("h100-sxm5-80gb-x8");
    std::erase_if(out.kernels, [](const Kernel& kernel) { return kernel.op == "framework_call"; });
    return out;
  }();
  return node;
}

/// A step of equal sequences with every part simulated at its own sizes.
double exact_seconds(PassTimes& times, std::int64_t count, std::int64_t queries, std::int64_t keys) {
  return (times.exact(PassPart::tokens, {count * queries}).sparse + times.exact(PassPart::head, {count}).sparse +
          times.exact(PassPart::attention, {count, queries, keys - queries}).sparse) *
         1e-12;
}

}  // namespace

TEST_CASE("steps off the grid are within 3 % of their exact simulation") {
  for (const char* name : {"llama-2-70b", "llama-2-7b-2to4", "mixtral-8x7b"}) {
    CAPTURE(name);
    PassTimes times(shipped_model(name), without_framework(), {});
    ModelStepCost cost(times, ServedSide::sparse, {}, false);
    // Lengths of a batch differ, so what counts is the mean over a tile of 128 keys.
    for (const auto& [count, keys] : {std::pair{3, 700}, {37, 1900}, {90, 333}, {203, 1234}, {611, 777}}) {
      CAPTURE(count);
      double between = 0, exact = 0;
      for (int step = 0; step < 4; ++step) {
        between += seconds_of(cost.step(alike(count, 1, keys + 32 * step)));
        exact += exact_seconds(times, count, 1, keys + 32 * step);
      }
      CHECK(between == doctest::Approx(exact).epsilon(0.03));
    }
    for (const auto& [count, queries, before] : {std::array{1, 700, 0}, {2, 333, 0}, {1, 1500, 900}, {3, 1999, 100}}) {
      CAPTURE(queries);
      const double between = seconds_of(cost.step(alike(count, queries, queries + before)));
      CHECK(between == doctest::Approx(exact_seconds(times, count, queries, queries + before)).epsilon(0.03));
    }
  }
}

TEST_CASE("points of the grid are exact, and small steps are padded to captured graphs") {
  PassTimes times(shipped_model("llama-2-7b-2to4"), without_framework(), {});
  ModelStepCost graphs(times, ServedSide::sparse, {}, true), none(times, ServedSide::sparse, {}, false);
  CHECK(seconds_of(graphs.step(alike(8, 1, 65))) == doctest::Approx(exact_seconds(times, 8, 1, 65)).epsilon(1e-9));
  CHECK(seconds_of(graphs.step(alike(2, 512, 512))) == doctest::Approx(exact_seconds(times, 2, 512, 512)));
  const double padded = graphs.step(alike(9, 1, 65)).stage.seconds() - none.step(alike(9, 1, 65)).stage.seconds();
  const double rows = (times.exact(PassPart::tokens, {16}).sparse - times.exact(PassPart::tokens, {9}).sparse) * 1e-12;
  CHECK(padded == doctest::Approx(rows).epsilon(1e-6));
  const std::vector<std::int64_t> sizes = {1, 2, 3, 5, 9, 256, 257, 512};
  std::vector<std::int64_t> captured;
  for (const std::int64_t size : sizes) captured.push_back(padded_to_graph(size));
  CHECK(captured == std::vector<std::int64_t>{1, 2, 4, 8, 16, 256, 272, 512});
}

TEST_CASE("the order of the sequences does not matter, prompts of different lengths keep their scores") {
  PassTimes times(shipped_model("llama-2-70b"), machine("h100-sxm5-80gb-x8"), {});
  ModelStepCost cost(times, ServedSide::dense, {}, true);
  std::vector<StepSequence> step = {
      {0, 1, 900, true, true}, {1, 300, 300, true, false}, {2, 1, 100, true, true}, {3, 500, 900, false, false}};
  const StepTime forward = cost.step(step);
  std::reverse(step.begin(), step.end());
  CHECK(cost.step(step).stage == forward.stage);
  CHECK(cost.step(step).head == forward.head);
}

TEST_CASE("a recipe is faster on its own side alone; what it left is counted as kept") {
  PassTimes times(shipped_model("llama-2-7b-2to4"), machine("h100-sxm5-80gb-x8"), {});
  const PartTime time = times.exact(PassPart::tokens, {64});
  CHECK(time.sparse < time.dense);
  CHECK(time.kept > 0);
  CHECK(time.kept < time.sparse);
  PassTimes plain(shipped_model("llama-2-7b"), machine("h100-sxm5-80gb-x8"), {});
  const PartTime none = plain.exact(PassPart::tokens, {64});
  CHECK(none.dense == none.sparse);
  CHECK(none.dense == none.kept);
  CHECK(none.dense == time.dense);
}

TEST_CASE("no result depends on the number of threads") {
  PassTimes one(shipped_model("llama-2-7b-2to4"), machine("h100-sxm5-80gb-x8"), {1, false, 1});
  PassTimes four(shipped_model("llama-2-7b-2to4"), machine("h100-sxm5-80gb-x8"), {1, false, 4});
  for (const auto& step : {alike(5, 1, 700), alike(2, 300, 300)}) {
    ModelStepCost a(one, ServedSide::sparse, {}, true), b(four, ServedSide::sparse, {}, true);
    CHECK(a.step(step).stage == b.step(step).stage);
  }
}

TEST_CASE("the baseline may run every expert") {
  const Model model = shipped_model("mixtral-8x7b");
  PassTimes recipe(model, machine("h100-sxm5-80gb-x8"), {}), every(model, machine("h100-sxm5-80gb-x8"), {1, true, 0});
  const PartTime a = recipe.exact(PassPart::tokens, {4096}), b = every.exact(PassPart::tokens, {4096});
  CHECK(a.dense == a.sparse);
  CHECK(b.sparse == a.sparse);
  CHECK(b.dense > 1.5 * b.sparse);  // 8 experts for 2
  CHECK(b.kept < a.kept);
}

TEST_CASE("a step without a graph takes no less than its host needs, a captured or long one what it took") {
  PassTimes times(shipped_model("llama-2-7b-2to4"), machine("h100-sxm5-80gb-x8"), {});
  PassTimes compiled(shipped_model("llama-2-7b-2to4"), without_framework(), {});
  for (const ServedSide side : {ServedSide::dense, ServedSide::sparse}) {
    ModelStepCost graphs(times, side, {}, true), eager(times, side, {}, false), free(compiled, side, {}, false);
    const double call = host_of(HostKind::eager, machine("h100-sxm5-80gb-x8")).call.seconds();
    const double decode = seconds_of(eager.step(alike(4, 1, 500)));
    CHECK(decode >= 32 * 9 * call);  // nine ops per layer
    CHECK(decode < 32 * 11 * call);
    CHECK(eager.totals().host > 0);
    CHECK(seconds_of(free.step(alike(4, 1, 500))) < decode);
    CHECK(seconds_of(graphs.step(alike(4, 1, 500))) == seconds_of(free.step(alike(4, 1, 500))));
    CHECK(graphs.totals().host == 0);
    CHECK(seconds_of(eager.step(alike(2, 2000, 2000))) == seconds_of(free.step(alike(2, 2000, 2000))));
  }
}
