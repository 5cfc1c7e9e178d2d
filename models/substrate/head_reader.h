#pragma once
// The head `fingerprint:` of a substrate file: reading it and writing it.

#include "models/substrate/substrate_reader.h"

namespace sparsesim {

inline constexpr std::int64_t kMostHeadEntries = 64;    // granules; curves; versions
inline constexpr std::int64_t kMostCurvePoints = 4096;  // of one curve

/// Reads the map `fingerprint`, which replaces an inherited one. Errors: unknown keys, an unknown backend, a date that
/// is none, sizes and costs out of range, more than 64 granules or curves or 4096 points, a curve whose x does not rise
/// or whose quantiles fall, two of one name.
void read_head(const config::Node& node, const SourceTable& sources, ReadContext& context);

/// The same map as YAML; nothing if the machine was not measured. `flow_time` writes a cost.
std::string dump_head(const MeasuredHead& head, const std::function<std::string(const Quantity&)>& flow_time);

}  // namespace sparsesim
