#pragma once
// Files that the ops of a workload name: what is in them is an input of the run, as every key is.

#include <span>
#include <string>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim {

/// A mask or a trace beside the workload.
struct InputFile {
  std::string path;  // FILE:TENSOR for one array of several
  bool is_mask = false;
};

/// The files that an op names, found from the folder of its workload.
std::vector<InputFile> input_files(const config::Node& op);

/// Text that differs where the content of the files does. Of a mask it is the stored places, in whatever format: a
/// checkpoint of many tensors is not read as a whole. Errors: config::ConfigError for a file that cannot be read.
std::string digest(std::span<const InputFile> files);

}  // namespace sparsesim
