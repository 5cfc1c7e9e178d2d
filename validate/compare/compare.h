#pragma once
// From measured rows to everything that is said of them.

#include <set>
#include <string>
#include <vector>

#include "validate/compare/report.h"

namespace sparsesim {

/// What `keep_only` accepts.
std::set<std::string> ops_and_devices(const std::vector<MeasurementFile>& files);
/// Drops rows whose op or device is none of `words`; without words none. Returns words that no row has, and drops
/// nothing where there are any.
std::vector<std::string> keep_only(const std::vector<std::string>& words, std::vector<MeasurementFile>& files);

/// Simulates every row, explains the worst, scores them all; the version of the program is left empty.
/// Errors: Interrupted.
Comparison compare(const std::vector<MeasurementFile>& files, SubstrateCache& substrates,
                   const PredictOptions& options);

}  // namespace sparsesim
