#include "sim/cli/settings.h"

#include <fmt/format.h>

#include "models/evaluate/workload_paths.h"
#include "models/substrate/settings.h"
#include "sim/cli/commands.h"

namespace sparsesim::cli {

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

config::Change workload_change(const config::Node& tree, const std::string& path, const std::string& text,
                               const std::string& label) {
  if (const std::string wrong = wrong_workload_path(tree, path); !wrong.empty())
    throw UsageError(fmt::format("{}: {}", label, wrong));
  config::Diagnostics diagnostics;
  config::Node value = config::load_text(text, label, diagnostics);
  diagnostics.throw_if_any();
  return {split_workload_path(path), std::move(value)};
}

}  // namespace sparsesim::cli
