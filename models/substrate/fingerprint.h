#pragma once
// The fingerprint of a machine as text: what its granules are, what each really costs, and how every number is known.

#include "models/substrate/substrate.h"

namespace sparsesim {

/// Table for `sparsesim show`: granules with their realised cost, then every number with value, range, kind and source.
///
/// Costs, all for the whole device in steady state:
///   sector  max(sector, fill_granule) / dram.achieved    line  line / dram.achieved
///   task    1 / dispatch.rate                            call  graph_node + grid_start
///   packet  packet / (link.bandwidth * link.efficiency)  step  2 m n k / (dense rate * clock * tensor_sustained), one
///   unit
std::string fingerprint_table(const Substrate& substrate);

}  // namespace sparsesim
