#pragma once
// A sparse product alone on a machine.

#include "models/compute/player.h"
#include "models/ops/weights/spmm.h"
#include "tests/support/machines.h"

namespace sparsesim {

inline Launch lowered(const SpmmSize& size, const Substrate& substrate = a100()) {
  return *Spmm(size).lower({substrate, {}, 1}).stages.front().launch;
}
inline LaunchResult run(const SpmmSize& size, const Substrate& substrate = a100()) {
  return play(lowered(size, substrate), substrate, {});
}
inline double microseconds(const SpmmSize& size, const Substrate& substrate = a100()) {
  return run(size, substrate).time.us();
}

}  // namespace sparsesim
