#pragma once
// What `sparsesim breakeven` prints: pure functions, described in docs/breakeven.md.

#include <string>

#include "models/explore/breakeven.h"

namespace sparsesim::cli {

/// A table for people; `rows_only` leaves out its heading and the notes below it.
std::string breakeven_table(const BreakevenDesign& design, const BreakevenOptions& options,
                            const BreakevenResult& result, bool rows_only);
std::string breakeven_json(const BreakevenDesign& design, const BreakevenOptions& options,
                           const BreakevenResult& result);

}  // namespace sparsesim::cli
