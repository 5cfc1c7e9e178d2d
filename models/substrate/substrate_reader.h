#pragma once
// Reads the maps of one file into a Substrate that may already hold the values of a base file.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "models/substrate/source_table.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// Where each number of a machine was last given, by path ("memory.dram.peak"), also where a wrong one stands; where
/// the kernels of its library are, and the constants that stand in place of the library's.
using Origins = std::map<std::string, config::Position>;

/// What the readers of the files of one substrate share.
struct ReadContext {
  Substrate& substrate;
  Origins& origins;
  config::Diagnostics& diagnostics;
};

/// Reads the numbers of the group `prefix` ("" for a whole file, "memory.dram", ...) from `map`: those of visit_fixed()
/// and the named ones of tensor rates, energies and collectives. Does not call map.finish(): the caller has keys of its
/// own. Errors: wrong values, unknown keys in inner maps. Absent keys are none: they may come from a base file.
void read_group(config::MapReader& map, const std::string& prefix, const SourceTable& sources, ReadContext& context);

/// Reads the keys of a fabric from a file of substrates/fabrics or from the map `fabric` of a substrate.
void read_fabric(config::MapReader& map, const SourceTable& sources, ReadContext& context);

/// Appends the kernels of a list (of a library file or inline). Errors: two kernels of one name, wrong values.
void read_kernels(const config::Node& list, const SourceTable& sources, ReadContext& context);

/// Appends the kernels of the files of a library. They are read on all processors, each alone; `read_again` then reads
/// those with mistakes, and those with a kernel that an earlier one has, so that the mistakes are reported in place.
void read_kernel_files(const std::vector<std::string>& paths, ReadContext& context,
                       const std::function<void(const std::string&)>& read_again);
/// Appends the kernels of one such file.
void read_kernel_file(const config::Node& root, const std::string& path, ReadContext& context);

/// Reads a map of constants into a kernel: those that are there are replaced. Errors: names that are nearly those of
/// constants that the library has.
void amend_kernel(const config::Node& map, Kernel& kernel, const SourceTable& sources, ReadContext& context);

/// Appends a kernel that the library has not: all of `like`, a kernel that it has, but for what the map says; without
/// `like` the map needs `op` and `dtypes`. Its constants stand beside its keys. Errors: those of amend_kernel(), a map
/// with neither.
void add_kernel(const std::string& name, const config::Node& map, const SourceTable& sources, ReadContext& context);

}  // namespace sparsesim
