#pragma once
// Embedding bags on cores: rows summed in registers, one random run of lines each.

#include "models/ops/cores/core.h"
#include "models/ops/gathers/gather_rows.h"

namespace sparsesim {

/// The launch of the library's `cores_bags` kernel: per looked-up row its number, its lines, one sum per vector.
///
/// Rows that the caches keep are expected over their popularity. A row from DRAM costs its lines at the streaming rate,
/// or a latency for as many rows as a core keeps in flight, whichever is longer.
/// Errors: UnsupportedError without such a kernel for the type.
Launch lower_cores_bags(const BagSize& size, const Substrate& substrate, const Ideal& ideal);

/// One scan of the tables that adds each named row where it belongs.
Launch lower_cores_scan(const BagSize& size, const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
