#pragma once
// The machines of an atlas: in which order they stand, what came before each, and how each is known.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/explore/atlas/evidence.h"
#include "models/substrate/substrate.h"

namespace sparsesim::atlas {

struct Machine {
  std::string given;        // as it is loaded: a name, or the path of a file of one's own
  std::string label;        // short: the first alias
  std::string group;        // "AMD GPUs"
  std::string predecessor;  // label of the generation before, among the machines of this atlas; empty for none
  std::shared_ptr<const Substrate> substrate;
  std::vector<std::string> dtypes;       // 16 bits where the matrix unit has them, else 32; then what else might run
  std::vector<std::string> measured_as;  // devices of measured rows that speak of this very machine
  std::vector<std::string> related;      // devices of measured rows with the same kernel library
  bool shipped = false;

  bool is_node() const { return substrate->devices > 1; }
};

/// Every shipped machine by group and generation, or the named ones as they are given: then each is compared with the
/// one before it. Errors: as load_substrate().
std::vector<Machine> machines_of(const std::vector<std::string>& names, const SearchPath& search,
                                 const Evidence& evidence);

}  // namespace sparsesim::atlas
