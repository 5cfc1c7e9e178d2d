#pragma once
// The files that the ranks of a sweep write beside its results file: FILE.rank-1, FILE.rank-2, ...

#include <cstdint>
#include <string>
#include <vector>

#include "sim/sweep/store.h"

namespace sparsesim::sweep {

std::string rank_file(const std::string& file, int rank);

/// Those that are there, in the order of their ranks.
std::vector<std::string> rank_files(const std::string& file);

/// Merges such files into `store` and removes them, once all of them is on the disk. Returns how many points were new.
/// Errors: StoreError, after which no file is removed.
std::int64_t take_over(Store& store, const std::vector<std::string>& rank_files);

}  // namespace sparsesim::sweep
