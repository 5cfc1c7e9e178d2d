#pragma once
// Leaves of a machine replaced by others: what if?

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "models/substrate/substrate.h"
#include "sim/config/edit.h"

namespace sparsesim {

/// what() says which path or value is wrong and what is near it.
struct SettingError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Whether `path` is a leaf that is no number with a unit, of those that may be set: `devices`, `product`,
/// `architecture`, `fabric` (a name), `fabric.topology|devices|nodes|switches`, `memory.numa.placement`, and of a
/// kernel `kernels.NAME.quality|tile|stages|tasks_per_unit|persistent`.
bool is_text_leaf(std::string_view path);

/// The change that puts `text` at such a leaf. Its mistakes count as written in the file `label`.
/// Errors: config::ConfigError for a text that is no YAML.
config::Change text_change(std::string_view path, const std::string& text, const std::string& label);

/// load_substrate() of a file that has the changes in it; the machine keeps its name and product.
Substrate load_changed_substrate(const std::string& path_or_name, const SearchPath& search,
                                 const std::vector<config::Change>& changes);

/// A leaf of a machine and what is put there. Mistakes of the text count as written in the file `label`.
struct Setting {
  std::string path, text, label;
};

/// load_substrate() with leaves replaced, of both sorts; `source` is that of the numbers. Errors: as
/// load_changed_substrate(), set_number() and require_consistent().
Substrate load_substrate_with(const std::string& path_or_name, const SearchPath& search,
                              const std::vector<Setting>& settings, const std::string& source);

/// Sets the number at `path` ("memory.dram.achieved") to `text` ("2 TB/s"), its range to that point and its source to
/// `source`; `absent` takes it away (absent.h), `present` leaves what is there. The rate of an N:M pattern that the
/// matrix unit does not skip yet may be new
/// ("compute.pipes.tensor.bf16.n_of_m.6:8"). Errors: SettingError for an unknown path, and for a value that no file
/// could hold.
void set_number(Substrate& substrate, const std::string& path, const std::string& text, const std::string& source);

/// Errors: SettingError where numbers contradict each other.
void require_consistent(const Substrate& substrate);

}  // namespace sparsesim
