// sparsesim export: results of sweeps as rows for other tools.

#include "sim/sweep/export.h"

#include <fmt/format.h>

#include <ostream>

#include "sim/cli/commands.h"
#include "sim/sweep/sweep_page.h"

namespace sparsesim::cli {
namespace {

int export_page(const ParsedCommand& command) {
  require_pages();
  if (command.find("table")) throw UsageError("--table is for csv and jsonl: a page has points and ops");
  sweep::Store store(command.get("FILE"), sweep::Store::Mode::read);
  const std::string page = sweep::sweep_page(store);
  if (const auto path = command.find("out"))
    write_file(*path, page);
  else
    fmt::print("{}", page);
  return kOk;
}

}  // namespace

int run_export(const ParsedCommand& command) {
  if (command.get("format") == "html") return export_page(command);
  const auto table = command.get("table") == "ops" ? sweep::ExportTable::ops : sweep::ExportTable::points;
  const auto format = command.get("format") == "jsonl" ? sweep::ExportFormat::jsonl : sweep::ExportFormat::csv;
  sweep::Store store(command.get("FILE"), sweep::Store::Mode::read);
  if (const auto path = command.find("out")) {
    write_file(*path, [&](std::ostream& out) {
      sweep::export_rows(store, table, format, [&](const std::string& line) { out << line; });
    });
  } else {
    sweep::export_rows(store, table, format, [](const std::string& line) { fmt::print("{}", line); });
  }
  return kOk;
}

}  // namespace sparsesim::cli
