#pragma once
// One number of a substrate file: {value: 2039 GB/s, kind: spec, source: key, low: .., high: .., fitted_to: .., note:
// ..}.

#include <optional>

#include "models/substrate/quantity.h"
#include "models/substrate/source_table.h"

namespace sparsesim {

/// What a quantity of each dimension may be: shares in 0..1, times, cycles and energies at least 0, all else above 0.
config::Range allowed_range(config::Dimension dimension);

/// Reads a number of a known dimension into SI base units. Nothing if it was wrong (then it is reported).
/// Errors: not a map, missing value, kind or source, wrong unit, out of range, low > value or high < value,
/// kind fitted without fitted_to, fitted_to with another kind, unlisted source.
std::optional<Quantity> read_quantity(const config::Node& node, config::Dimension dimension, const SourceTable& sources,
                                      config::Diagnostics& diagnostics);

/// The same where the file chooses the unit (constants of kernels and collectives); a plain number may be negative.
std::optional<Quantity> read_constant(const config::Node& node, const SourceTable& sources,
                                      config::Diagnostics& diagnostics);

}  // namespace sparsesim
