// sparsesim merge: several results files of sweeps become one.

#include <fmt/format.h>

#include <cstdio>

#include "sim/cli/commands.h"
#include "sim/cli/say.h"
#include "sim/sweep/store.h"

namespace sparsesim::cli {

int run_merge(const ParsedCommand& command) {
  using sweep::Store;
  const std::vector<std::string> files = command.get_all("FILE");
  for (const std::string& file : files)
    Store(file, Store::Mode::read);  // a wrong name is known before anything is done
  Store all(command.get("out"), Store::Mode::write);
  for (const std::string& file : files) {
    Store part(file, Store::Mode::read);
    const std::int64_t added = all.merge(part);
    if (!command.flag("quiet")) say("{}: {} new point{}\n", file, added, added == 1 ? "" : "s");
  }
  return kOk;
}

}  // namespace sparsesim::cli
