#include "sim/cli/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/evaluate/workload_paths.h"
#include "models/substrate/settings.h"
#include "sim/cli/commands.h"

namespace sparsesim::cli {

namespace {

constexpr std::string_view kWorkload = "workload.", kSubstrate = "substrate.";

/// Whether only a workload can have this path: what it begins with is a section of one.
bool is_of_workload(const std::string& path) {
  static constexpr std::string_view sections[] = {"ops",      "model",   "recipe",  "parallel", "pass",
                                                  "training", "dynamic", "serving", "seed",     "host"};
  const std::string_view first = std::string_view(path).substr(0, path.find('.'));
  return std::find(std::begin(sections), std::end(sections), first) != std::end(sections);
}

}  // namespace

Settings split_settings(const config::Node& tree, const std::vector<std::string>& given) {
  Settings settings;
  for (const std::string& setting : given) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) throw UsageError(fmt::format("--set \"{}\": expected PATH=VALUE", setting));
    const std::string path = setting.substr(0, equals);
    if (path.starts_with(kWorkload))
      settings.workload.push_back(
          workload_change(tree, path.substr(kWorkload.size()), setting.substr(equals + 1), "--set " + setting));
    else if (is_of_workload(path))
      throw UsageError(fmt::format("--set: \"{0}\" is no leaf of a machine; did you mean \"workload.{0}\"?", path));
    else
      settings.machine.push_back(path.starts_with(kSubstrate) ? setting.substr(kSubstrate.size()) : setting);
  }
  return settings;
}

Substrate load_with_settings(const std::string& name, const std::vector<std::string>& settings) {
  std::vector<Setting> parsed;
  for (const std::string& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) throw UsageError(fmt::format("--set \"{}\": expected PATH=VALUE", setting));
    parsed.push_back({setting.substr(0, equals), setting.substr(equals + 1), fmt::format("--set {}", setting)});
  }
  try {
    return load_substrate_with(name, shipped("substrates"), parsed, "given on the command line");
  } catch (const SettingError& error) {
    throw UsageError(fmt::format("--set: {}", error.what()));
  }
}

Inputs load_inputs(const ParsedCommand& command) {
  const std::string name = command.get("workload");
  const std::vector<std::string> given = command.get_all("set");
  if (given.empty())  // mistakes of the file show its lines
    return {load_with_settings(command.get("substrate"), {}), load_workload(name, shipped("workloads"))};
  const config::Node tree = load_workload_tree(name, shipped("workloads"));
  const Settings settings = split_settings(tree, given);
  Substrate substrate = load_with_settings(command.get("substrate"), settings.machine);
  return {std::move(substrate), read_workload(config::with_changes(tree, settings.workload))};
}

config::Change workload_change(const config::Node& tree, const std::string& path, const std::string& text,
                               const std::string& label) {
  if (const std::string wrong = wrong_workload_path(tree, path); !wrong.empty())
    throw UsageError(fmt::format("{}: {}", label, wrong));
  if (text.find_first_not_of(' ') == std::string::npos)
    throw UsageError(fmt::format("{}: no value is given; absent leaves the key out", label));
  config::Diagnostics diagnostics;
  config::Node value = config::load_text(text, label, diagnostics);
  diagnostics.throw_if_any();
  if (config::means_absent(value) && !config::has_path(tree, split_workload_path(path)))
    throw UsageError(fmt::format("{}: the workload has no such key", label));
  return {split_workload_path(path), std::move(value)};
}

}  // namespace sparsesim::cli
