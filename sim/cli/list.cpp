// sparsesim list, show and schema: what there is to name.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "models/evaluate/workload.h"
#include "models/ops/registry.h"
#include "models/ops/spmm.h"
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

std::vector<Row> pattern_rows() {
  std::vector<Row> rows;
  for (const auto& kind : sparse_kinds())
    rows.push_back({std::string(kind.pattern), fmt::format("{} ({})", kind.description, kind.formats)});
  return rows;
}

std::string describe(const Kernel& kernel) {
  const std::string tile =
      kernel.tile_m > 0 ? fmt::format("tile {}x{}x{}, ", kernel.tile_m, kernel.tile_n, kernel.tile_k) : "";
  return fmt::format("{}, {}{}, for {}", kernel.op, tile, kernel.quality, fmt::join(kernel.patterns, " "));
}

/// Machines of one architecture share their kernels, so each architecture is listed once.
std::vector<Row> kernel_rows() {
  std::vector<Row> rows;
  std::set<std::string> listed;
  for (const auto& entry : list_substrates(shipped("substrates"))) {
    if (!entry.broken.empty()) continue;  // named among the substrates
    try {
      const Substrate substrate = load_substrate(entry.path, shipped("substrates"));
      if (!listed.insert(substrate.architecture).second) continue;
      for (const auto& kernel : substrate.kernels)
        rows.push_back({fmt::format("{}/{}", substrate.architecture, kernel.name), describe(kernel)});
    } catch (const config::ConfigError& error) {
      rows.push_back(broken_row(entry.path, error.brief()));
    }
  }
  return rows;
}

struct List {
  const char* kind;
  std::vector<Row> (*rows)();
  bool by_name_only;  // too long to print unasked
};

constexpr std::array<List, 5> kLists{{{"substrates", substrate_rows, false},
                                      {"workloads", workload_rows, false},
                                      {"ops", op_rows, false},
                                      {"patterns", pattern_rows, false},
                                      {"kernels", kernel_rows, true}}};

void print(const List& list, bool names_only) {
  const auto rows = list.rows();
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.name.size());
  if (!names_only) fmt::print("{}\n", list.kind);
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
  for (const List& list : kLists)
    if (kind == list.kind || (kind.empty() && !list.by_name_only)) print(list, command.flag("names"));
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
