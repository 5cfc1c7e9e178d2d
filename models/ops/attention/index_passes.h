#pragma once
// Small passes that turn scores or masks into lists of what is kept, and move what the lists name.

#include <cstdint>
#include <string>
#include <string_view>

#include "models/compute/launch.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// Choice of the `kept` largest of `values` scores in each of `rows` rows, one block per row: digits are counted from
/// the top down until the threshold is known.
///
/// pattern  row of the kernel library: activation or tokens
/// Constants of the `select` kernel: threads, trips (docs/models/activation.md). Errors: UnsupportedError without one.
Launch lower_select(std::int64_t rows, std::int64_t values, std::int64_t kept, const std::string& dtype,
                    std::string_view pattern, const Substrate& substrate);

/// Turns flags of `values` places into a list of the `kept` set ones, 4 bytes each; each place has `flags` flags and is
/// kept if one is set (a union over rows).
/// Constants of the `compact` kernel: threads, trips, values_per_task. Errors: UnsupportedError without one.
Launch lower_compact(std::int64_t values, std::int64_t flags, std::int64_t kept, const std::string& dtype,
                     std::string_view pattern, const Substrate& substrate);

/// Elements of one tensor that a pass goes through, at most: 2^48, so that bytes and round trips stay countable.
/// Throws TooLargeError beyond; the number itself otherwise.
std::int64_t pass_elements(double elements);

/// Copies `rows` rows of `elements` each to places that a list names (4 bytes per row). Rows are contiguous, so whole
/// lines move.
Launch lower_gather_rows(const std::string& name, std::int64_t rows, std::int64_t elements, const std::string& dtype,
                         const Substrate& substrate);

}  // namespace sparsesim
