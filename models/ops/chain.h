#pragma once
// Programs on one device put together stage by stage.

#include <cstdint>
#include <utility>

#include "models/ops/limits.h"
#include "models/ops/op.h"

namespace sparsesim {

/// Elements of one streaming pass: as an elementwise op takes them.
inline constexpr double kElementsMost = 0x1p44;

/// Appends a launch that waits for the last stage of the program.
inline void append(Program& program, std::shared_ptr<const Launch> launch) {
  Stage stage;
  stage.launch = std::move(launch);
  if (!program.stages.empty()) stage.after = {static_cast<int>(program.stages.size()) - 1};
  program.stages.push_back(std::move(stage));
}
inline void append(Program& program, Launch launch) {
  append(program, std::make_shared<const Launch>(std::move(launch)));
}

/// Appends the launches of a one-device program `times` times, one after the other; repetitions share them.
/// Errors: TooLargeError beyond kStagesMost stages.
inline void append(Program& program, const Program& part, std::int64_t times = 1) {
  const double all =
      static_cast<double>(program.stages.size()) + static_cast<double>(part.stages.size()) * static_cast<double>(times);
  require_at_most(all, kStagesMost, "stages of a program");
  for (std::int64_t time = 0; time < times; ++time)
    for (const Stage& stage : part.stages) append(program, stage.launch);
}

}  // namespace sparsesim
