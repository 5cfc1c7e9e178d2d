#pragma once
// The small kernels around the grouped products of a mixture-of-experts layer.

#include <cstdint>
#include <string>

#include "models/compute/ideal.h"
#include "models/compute/launch.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// Softmax over [tokens, experts] router scores and choice of the top_k.
Launch lower_router(std::int64_t tokens, std::int64_t experts, std::int64_t top_k, const Substrate& substrate);

/// The same where experts choose: every expert takes its `taken` best of all tokens, which leaves them sorted by
/// expert.
Launch lower_expert_choice(std::int64_t tokens, std::int64_t experts, std::int64_t taken, const Substrate& substrate);

/// Counts tokens per expert, starts each expert at a tile boundary and writes the sorted row numbers.
///
/// slots  tokens * top_k; padded_rows  rows of the sorted list, padding included
Launch lower_align(std::int64_t slots, std::int64_t experts, std::int64_t padded_rows, const Substrate& substrate);

/// A kernel that streams: reads and writes so many bytes with little arithmetic. `name` is a row of the library.
/// `results` elements are written. What its predecessor wrote and the L2 cache still holds is read from there.
Launch lower_stream(const std::string& name, double read_bytes, double write_bytes, double results,
                    const Substrate& substrate);

}  // namespace sparsesim
