#pragma once
// What must hold between the numbers of a substrate, beyond each being right by itself.

#include "models/substrate/substrate_reader.h"

namespace sparsesim {

/// Reports at `root` every required number that no file gave. A number that was given wrongly is in `origins`.
void check_complete(const Substrate& substrate, const Origins& origins, const config::Position& root,
                    config::Diagnostics& diagnostics);

/// Reports contradictions at the later number: dram.achieved <= dram.peak, clock_floor <= clock, sector <= line, whole
/// counts, near <= far, idle < cap, a fabric that reaches every device, ... Numbers that are absent are not compared.
void check_consistent(const Substrate& substrate, const Origins& origins, const config::Position& root,
                      config::Diagnostics& diagnostics);

}  // namespace sparsesim
