// sparsesim list, show and schema: what there is to name.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "models/evaluate/workload.h"
#include "models/ops/registry.h"
#include "models/substrate/fingerprint.h"
#include "models/substrate/schema.h"
#include "sim/cli/commands.h"

namespace sparsesim::cli {

namespace {

struct Row {
  std::string name, text;
};

std::vector<Row> rows_of(const std::string& kind) {
  std::vector<Row> rows;
  if (kind == "substrates") {
    for (const auto& entry : list_substrates(shipped("substrates")))
      rows.push_back({entry.name, entry.aliases.empty()
                                      ? entry.title
                                      : fmt::format("{} (also {})", entry.title, fmt::join(entry.aliases, ", "))});
  } else if (kind == "workloads") {
    for (const auto& entry : list_workloads(shipped("workloads"))) rows.push_back({entry.name, entry.title});
  } else if (kind == "ops") {
    for (const auto& row : op_kinds()) rows.push_back({std::string(row.name), std::string(row.description)});
  } else {
    for (const auto& entry : list_substrates(shipped("substrates"))) {
      if (entry.name.ends_with("-x8")) continue;  // a node has the kernels of its device
      const Substrate substrate = load_substrate(entry.path, shipped("substrates"));
      for (const auto& k : substrate.kernels)
        rows.push_back({fmt::format("{}/{}", entry.name, k.name),
                        fmt::format("{}, tile {}x{}x{}, {}, for {}", k.op, k.tile_m, k.tile_n, k.tile_k, k.quality,
                                    fmt::join(k.patterns, " "))});
    }
  }
  return rows;
}

void print(const std::string& kind, bool names_only) {
  const auto rows = rows_of(kind);
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.name.size());
  if (!names_only) fmt::print("{}\n", kind);
  for (const auto& row : rows) {
    if (names_only)
      fmt::print("{}\n", row.name);
    else
      fmt::print("  {:<{}}  {}\n", row.name, width, row.text);
  }
}

}  // namespace

int run_list(const ParsedCommand& command) {
  const std::string kind = command.get("KIND");
  for (const char* each : {"substrates", "workloads", "ops", "kernels"})
    if (kind.empty() || kind == each) print(each, command.flag("names"));
  return kOk;
}

int run_show(const ParsedCommand& command) {
  fmt::print("{}", fingerprint_table(load_substrate(command.get("SUBSTRATE"), shipped("substrates"))));
  return kOk;
}

int run_schema(const ParsedCommand& command) {
  fmt::print("{}", command.get("LANGUAGE") == "substrate" ? substrate_schema() : workload_schema());
  return kOk;
}

}  // namespace sparsesim::cli
