// sparsesim import: a workload from the files of a checkpoint.

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "models/evaluate/workload.h"
#include "models/whole/import/pruning_recipe.h"
#include "models/whole/import/tensor_masks.h"
#include "models/whole/import/workload_text.h"
#include "sim/cli/commands.h"

namespace sparsesim::cli {
namespace {

namespace fs = std::filesystem;

/// The file itself, or config.json of a checkpoint's folder.
std::string config_path(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error) ? (fs::path(path) / "config.json").string() : path;
}

Checkpoint read_files(const ParsedCommand& command, const std::string& folder) {
  const std::string path = config_path(command.get("CONFIG"));
  config::Diagnostics diagnostics;
  constexpr std::int64_t kConfigMost = 4 << 20;
  Checkpoint checkpoint = read_checkpoint_config(config::read_text_file(path, kConfigMost, diagnostics), path);
  if (const auto weights = command.find("weights")) read_weight_patterns(*weights, folder, checkpoint);
  if (const auto recipe = command.find("recipe")) read_recipe_file(*recipe, checkpoint);
  if (const auto name = command.find("name")) checkpoint.name = *name;
  if (const auto dtype = command.find("dtype")) checkpoint.shape.dtype = *dtype;
  return checkpoint;
}

ImportedPass read_pass_options(const ParsedCommand& command, const Checkpoint& checkpoint) {
  ImportedPass pass;
  pass.phase = command.get("phase");
  if (pass.phase == "decode" && command.integer("seq"))
    throw UsageError("--seq: a decode step has --keys, the tokens that are kept");
  if (pass.phase == "decode" && checkpoint.shape.kind == ModelKind::encoder)
    throw UsageError(fmt::format("--phase decode: {} is an encoder, which has no decode", checkpoint.type));
  pass.batch = command.integer("batch").value_or(1);
  pass.seq = command.integer("seq");
  pass.keys = command.integer("keys");
  pass.parallel = {command.integer("tensor").value_or(1), command.integer("expert").value_or(1),
                   command.integer("pipeline").value_or(1), command.integer("data").value_or(1)};
  return pass;
}

}  // namespace

int run_import(const ParsedCommand& command) {
  const auto output = command.find("out");
  if (output) check_writable(*output);
  const std::string folder = output ? fs::path(*output).parent_path().string() : "";
  const Checkpoint checkpoint = read_files(command, folder.empty() ? "." : folder);
  const std::string text = workload_text(checkpoint, read_pass_options(command, checkpoint));
  // What cannot be run is refused here, with the line that it would be: read back as `run` reads it.
  config::Diagnostics diagnostics;
  const std::string name = output.value_or("workload.yaml");
  const config::Node tree = config::load_text(text, name, diagnostics);
  diagnostics.throw_if_any();
  read_workload(tree);
  if (output)
    write_file(*output, text);
  else
    fmt::print("{}", text);
  return kOk;
}

}  // namespace sparsesim::cli
