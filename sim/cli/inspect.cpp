// sparsesim inspect: what the pattern of a mask is worth on a machine, without a run.

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "models/evaluate/inspect/inspection.h"
#include "models/evaluate/inspect/mask_picture.h"
#include "models/sparsity/formats/mask_formats.h"
#include "sim/cli/commands.h"

namespace sparsesim::cli {
namespace {

/// "8x1": rows and columns of the block that a stored place stands for.
Granule parse_block(const std::string& text) {
  constexpr int kMost = 4096;
  int rows = 0, columns = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%4dx%4d%c", &rows, &columns, &rest) != 2 || rows < 1 || columns < 1 || rows > kMost ||
      columns > kMost)
    throw UsageError(fmt::format("--block \"{}\": expected ROWSxCOLUMNS of 1 to {}, as 8x1", text, kMost));
  return {rows, columns};
}

MaskName mask_name(const ParsedCommand& command) {
  MaskName name = parse_mask_name(command.get("FILE"));
  if (const auto tensor = command.find("tensor")) name.tensor = *tensor;
  return name;
}

}  // namespace

int run_inspect(const ParsedCommand& command) {
  std::optional<Substrate> substrate;
  if (const auto name = command.find("substrate")) substrate = load_substrate(*name, shipped("substrates"));
  if (const auto path = command.find("svg")) check_writable(*path);
  InspectionOptions options;
  options.file = command.get("FILE");
  options.dtype = command.get("dtype");
  options.block = parse_block(command.get("block"));
  options.substrate = substrate ? &*substrate : nullptr;
  const Mask mask = read_mask(mask_name(command));
  const Inspection inspection = inspect(mask, options);
  if (const auto path = command.find("svg")) write_file(*path, picture_of(mask, inspection));
  fmt::print("{}", command.get("format") == "json" ? format_json(inspection) : format_table(inspection));
  return kOk;
}

}  // namespace sparsesim::cli
