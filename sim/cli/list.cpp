// sparsesim list, show and schema: what there is to name.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "models/evaluate/workload.h"
#include "models/ops/registry.h"
#include "models/substrate/fingerprint.h"
#include "models/substrate/schema.h"
#include "sim/cli/commands.h"

namespace sparsesim::cli {

namespace {

struct Row {
  std::string name, text;
  bool broken = false;  // a file that cannot be read: named, but no name to use
};

Row broken_row(const std::string& path, const std::string& reason) {
  return {std::filesystem::path(path).filename().string(), fmt::format("cannot be read: {}", reason), true};
}

std::vector<Row> substrate_rows() {
  std::vector<Row> rows;
  for (const auto& entry : list_substrates(shipped("substrates"))) {
    if (!entry.broken.empty())
      rows.push_back(broken_row(entry.path, entry.broken));
    else if (entry.aliases.empty())
      rows.push_back({entry.name, entry.title});
    else
      rows.push_back({entry.name, fmt::format("{} (also {})", entry.title, fmt::join(entry.aliases, ", "))});
  }
  return rows;
}

std::vector<Row> workload_rows() {
  std::vector<Row> rows;
  for (const auto& entry : list_workloads(shipped("workloads")))
    rows.push_back(entry.broken.empty() ? Row{entry.name, entry.title} : broken_row(entry.path, entry.broken));
  return rows;
}

std::vector<Row> op_rows() {
  std::vector<Row> rows;
  for (const auto& row : op_kinds()) rows.push_back({std::string(row.name), std::string(row.description)});
  return rows;
}

std::vector<Row> kernel_rows() {
  std::vector<Row> rows;
  for (const auto& entry : list_substrates(shipped("substrates"))) {
    if (entry.name.ends_with("-x8") || !entry.broken.empty()) continue;  // a node has the kernels of its device
    try {
      for (const auto& k : load_substrate(entry.path, shipped("substrates")).kernels)
        rows.push_back({fmt::format("{}/{}", entry.name, k.name),
                        fmt::format("{}, tile {}x{}x{}, {}, for {}", k.op, k.tile_m, k.tile_n, k.tile_k, k.quality,
                                    fmt::join(k.patterns, " "))});
    } catch (const config::ConfigError& error) {
      rows.push_back(broken_row(entry.path, error.brief()));
    }
  }
  return rows;
}

std::vector<Row> rows_of(const std::string& kind) {
  if (kind == "substrates") return substrate_rows();
  if (kind == "workloads") return workload_rows();
  return kind == "ops" ? op_rows() : kernel_rows();
}

void print(const std::string& kind, bool names_only) {
  const auto rows = rows_of(kind);
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.name.size());
  if (!names_only) fmt::print("{}\n", kind);
  for (const auto& row : rows) {
    if (!names_only)
      fmt::print("  {:<{}}  {}\n", row.name, width, row.text);
    else if (!row.broken)
      fmt::print("{}\n", row.name);
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
