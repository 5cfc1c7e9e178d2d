#pragma once
// The numbers of a substrate as a flat list: for the list of fitted constants, and for intervals of predictions.

#include <array>

#include "models/substrate/substrate.h"

namespace sparsesim {

struct Constant {
  std::string path;  // "memory.dram.achieved", "kernels.NAME.CONSTANT"
  Quantity quantity;
  config::Dimension dimension = config::Dimension::none;
  std::string doc;  // one phrase; empty for named constants
};

/// All numbers that the files give, in file order; absent optional ones are left out.
std::vector<Constant> constants(const Substrate& substrate);

/// How many numbers are of each kind, indexed by Provenance.
std::array<int, 4> provenance_counts(const Substrate& substrate);

/// A value for people: "40 MiB", "1.41 GHz", "1.1 pJ/FLOP". `path` decides between units of one dimension.
std::string display(double value, config::Dimension dimension, const std::string& path);

}  // namespace sparsesim
