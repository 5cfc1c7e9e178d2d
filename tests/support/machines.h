#pragma once
// The shipped machines, as tests use them.

#include <map>
#include <string>

#include "models/substrate/substrate.h"

namespace sparsesim {

inline SearchPath shipped_substrates() { return {{SPARSESIM_SOURCE_DIR "/substrates"}}; }

/// A shipped machine, read once.
inline const Substrate& machine(const std::string& name) {
  static std::map<std::string, Substrate> known;
  if (!known.contains(name)) known[name] = load_substrate(name, shipped_substrates());
  return known[name];
}
inline const Substrate& a100() { return machine("a100-sxm4-80gb"); }

}  // namespace sparsesim
