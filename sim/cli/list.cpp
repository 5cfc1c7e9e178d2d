// sparsesim list, show and schema: what there is to name.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include "models/evaluate/workload.h"
#include "models/ops/kinds.h"
#include "models/ops/registry.h"
#include "models/ops/weights/spmm.h"
#include "models/serving/serving_spec.h"
#include "models/sparsity/key_pattern.h"
#include "models/substrate/fingerprint.h"
#include "models/substrate/schema.h"
#include "sim/cli/commands.h"
#include "sim/core/printable.h"

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
    rows.push_back({std::string(kind.pattern), fmt::format("spmm: {}; formats {}", kind.description, kind.formats)});
  for (const auto& pattern : key_patterns())
    rows.push_back(
        {std::string(pattern.name), fmt::format("attention: {}; sizes {}", pattern.description, pattern.sizes)});
  return rows;
}

std::string describe(const Kernel& kernel) {
  const std::string tile =
      kernel.tile_m > 0 ? fmt::format("tile {}x{}x{}, ", kernel.tile_m, kernel.tile_n, kernel.tile_k) : "";
  return fmt::format("{}, {}{}, for {}", kernel.op, tile, kernel.quality, fmt::join(kernel.patterns, " "));
}

/// Machines of one architecture share their kernels, so each architecture is visited once. `broken` gets the files that
/// cannot be read, but for those that are named among the substrates.
template <typename Visit, typename Broken>
void visit_kernels(Visit visit, Broken broken) {
  std::set<std::string> visited;
  for (const auto& entry : list_substrates(shipped("substrates"))) {
    if (!entry.broken.empty()) continue;
    try {
      const Substrate substrate = load_substrate(entry.path, shipped("substrates"));
      if (!visited.insert(substrate.architecture).second) continue;
      for (const auto& kernel : substrate.kernels) visit(substrate.architecture, kernel);
    } catch (const config::ConfigError& error) {
      broken(entry.path, error.brief());
    }
  }
}

std::vector<Row> kernel_rows() {
  std::vector<Row> rows;
  visit_kernels(
      [&](const std::string& architecture, const Kernel& kernel) {
        rows.push_back({fmt::format("{}/{}", architecture, kernel.name), describe(kernel)});
      },
      [&](const std::string& path, const std::string& reason) { rows.push_back(broken_row(path, reason)); });
  return rows;
}

/// A kernel without its variants: `_128x64`, `_hd64` or `_16_half` at the end of its name.
std::string family(const std::string& kernel) {
  for (std::size_t at = kernel.find('_'); at != std::string::npos; at = kernel.find('_', at + 1)) {
    const std::string rest = kernel.substr(kernel.compare(at, 3, "_hd") == 0 ? at + 3 : at + 1);
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return kernel.substr(0, at);
  }
  return kernel;
}

std::vector<Row> kind_rows() {
  std::map<std::string_view, std::vector<std::string>> kernels;  // by kind
  const auto count = [&](const std::string&, const Kernel& kernel) {
    for (const auto& kind : sparsity_kinds()) {
      auto& names = kernels[kind.name];
      if (serves(kernel, kind) && std::find(names.begin(), names.end(), family(kernel.name)) == names.end())
        names.push_back(family(kernel.name));
    }
  };
  visit_kernels(count, [](const std::string&, const std::string&) {});  // `list kernels` names them
  std::vector<Row> rows;
  for (const auto& kind : sparsity_kinds())
    rows.push_back({std::string(kind.name),
                    fmt::format("{}\nformats: {}\nops: {}\nkernels: {}\nworkloads: {}", kind.description, kind.formats,
                                kind.ops, fmt::join(kernels[kind.name], " "), kind.workloads)});
  return rows;
}

struct List {
  const char* kind;
  std::vector<Row> (*rows)();
  bool by_name_only;  // too long to print unasked
};

constexpr std::array<List, 6> kLists{{{"substrates", substrate_rows, false},
                                      {"workloads", workload_rows, false},
                                      {"ops", op_rows, false},
                                      {"patterns", pattern_rows, false},
                                      {"kinds", kind_rows, true},
                                      {"kernels", kernel_rows, true}}};

/// Further lines of a text start where the first one does.
std::string indented(std::string text, std::size_t width) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    text.insert(at + 1, width, ' ');
  return text;
}

void print(const List& list, bool names_only) {
  auto rows = list.rows();
  std::size_t width = 0;
  for (Row& row : rows) {
    row.name = printable(row.name);
    row.text = printable_lines(row.text);
    width = std::max(width, row.name.size());
  }
  if (!names_only) fmt::print("{}\n", list.kind);
  for (const auto& row : rows) {
    if (!names_only)
      fmt::print("  {:<{}}  {}\n", row.name, width, indented(row.text, width + 4));
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
  fmt::print("{}", command.get("LANGUAGE") == "substrate" ? substrate_schema() : workload_schema(serving_keys()));
  return kOk;
}

}  // namespace sparsesim::cli
