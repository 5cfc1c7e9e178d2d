#include "models/evaluate/program_player.h"

#include <doctest/doctest.h>

#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

/// A kernel of `tasks` equal tasks that compute and store nothing else.
std::shared_ptr<const Launch> kernel(int tasks, double fixed_seconds = 1e-6) {
  auto launch = std::make_shared<Launch>();
  launch->name = "kernel";
  launch->dtype = "bf16";
  TaskShape shape;
  shape.steps = 16;
  shape.cycles_per_step = {512, 0, 0};
  shape.useful_macs = shape.issued_macs = 16 * 512 * 1024.0;
  launch->shapes.push_back(shape);
  launch->tasks.assign(static_cast<std::size_t>(tasks), Task{});
  launch->fixed_seconds = fixed_seconds;
  return launch;
}

Stage on(int device, std::shared_ptr<const Launch> launch, std::vector<int> after = {}) {
  Stage stage;
  stage.device = device;
  stage.launch = std::move(launch);
  stage.after = std::move(after);
  return stage;
}

Time time_of(const Program& program) { return play_program(program, a100(), {}).time; }

}  // namespace

TEST_CASE("kernels of one device follow each other, kernels of two devices run side by side") {
  const auto launch = kernel(108);
  const Time one = time_of({1, {on(0, launch)}});
  CHECK(time_of({1, {on(0, launch), on(0, launch)}}) == one + one);
  CHECK(time_of({2, {on(0, launch), on(1, launch)}}) == one);
  CHECK(time_of({2, {on(0, launch), on(1, launch, {0})}}) == one + one);
}

TEST_CASE("the slowest device decides, and counters add up over devices") {
  const auto small = kernel(108), large = kernel(540);
  const auto result = play_program({2, {on(0, small), on(1, large)}}, a100(), {});
  CHECK(result.time == time_of({1, {on(0, large)}}));
  CHECK(result.counters.device.tasks == 648);
  CHECK(result.counters.launches == 2);
}

TEST_CASE("no run is faster than its hardest bound") {
  const auto result = play_program({1, {on(0, kernel(1000)), on(0, kernel(3))}}, a100(), {});
  CHECK(result.time.seconds() >= result.bound_seconds());
  CHECK(result.utilisation() <= 1.0);
  CHECK(result.utilisation() > 0.0);
}

TEST_CASE("a stage that waits for a later one, or sits on no device, is a programmer's mistake") {
  CHECK_THROWS_AS(time_of({1, {on(0, kernel(1), {1}), on(0, kernel(1))}}), std::logic_error);
  CHECK_THROWS_AS(time_of({1, {on(1, kernel(1))}}), std::logic_error);
}

TEST_CASE("the timeline shows every stage where it ran") {
  Timeline timeline;
  const auto launch = kernel(108);
  const auto result =
      play_program({1, {on(0, launch), on(0, launch)}}, a100(), {}, nullptr, {&timeline, Time{5}, "op"});
  std::vector<Span> kernels, tasks;
  for (const Span& span : timeline.spans()) (span.category == "kernel" ? kernels : tasks).push_back(span);
  REQUIRE(kernels.size() == 2);
  CHECK(kernels[0].start == Time{5});
  CHECK(kernels[1].start == Time{5} + kernels[0].duration);
  CHECK(kernels[1].start + kernels[1].duration == Time{5} + result.time);
  CHECK(kernels[0].name == "op/kernel");
  REQUIRE(tasks.size() == 2 * 108);
  CHECK(tasks[0].name.starts_with("op/kernel/task "));
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    CHECK(tasks[i].start >= kernels[i / 108].start);
    CHECK(tasks[i].start + tasks[i].duration <= kernels[i / 108].start + kernels[i / 108].duration);
  }
}
