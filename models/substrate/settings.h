#pragma once
// Numbers of a machine replaced by others: what if?

#include <stdexcept>
#include <string>

#include "models/substrate/substrate.h"

namespace sparsesim {

/// what() says which path or value is wrong and what is near it.
struct SettingError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Sets the number at `path` ("memory.dram.achieved") to `text` ("2 TB/s"), its range to that point and its source to
/// `source`. The rate of an N:M pattern that the matrix unit does not skip yet may be new
/// ("compute.pipes.tensor.bf16.n_of_m.6:8"). Errors: SettingError for an unknown path, and for a value that no file
/// could hold.
void set_number(Substrate& substrate, const std::string& path, const std::string& text, const std::string& source);

/// Errors: SettingError where numbers contradict each other.
void require_consistent(const Substrate& substrate);

}  // namespace sparsesim
