// sparsesim run

#include "models/evaluate/run.h"

#include <fmt/format.h>

#include <cstdio>
#include <sstream>

#include "sim/cli/commands.h"
#include "sim/config/reader.h"

namespace sparsesim::cli {

namespace {

/// Replaces numbers of the machine: "memory.dram.achieved=2 TB/s". Errors: UsageError with the nearest known path.
void apply_settings(Substrate& substrate, const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) throw UsageError(fmt::format("--set \"{}\": expected PATH=VALUE", setting));
    const std::string wanted = setting.substr(0, equals), text = setting.substr(equals + 1);
    bool found = false;
    std::vector<std::string> known;
    visit(substrate, [&](const std::string& path, Quantity& quantity, config::Dimension dimension, const char*, bool) {
      known.push_back(path);
      if (path != wanted) return;
      found = true;
      const auto value = config::parse_quantity(text, dimension);
      if (!value || !(*value >= 0))
        throw UsageError(fmt::format("--set {}: \"{}\" is not a {}", path, text, config::name(dimension)));
      quantity.value = quantity.low = quantity.high = *value;
      quantity.kind = Provenance::guessed;
      quantity.source = "given on the command line";
    });
    if (!found) {
      const std::string near = config::nearest(wanted, known);
      throw UsageError(
          fmt::format("--set: unknown path \"{}\"{}", wanted,
                      near.empty() ? "; --dump-config prints all" : fmt::format("; did you mean \"{}\"?", near)));
    }
  }
}

}  // namespace

int run_run(const ParsedCommand& command) {
  Substrate substrate = load_substrate(command.get("substrate"), shipped("substrates"));
  apply_settings(substrate, command.get_all("set"));
  const Workload workload = load_workload(command.get("workload"), shipped("workloads"));
  if (command.flag("dump-config")) {
    fmt::print("# substrate\n{}---\n# workload\n{}", dump_substrate(substrate), workload.resolved);
    return kOk;
  }
  Timeline timeline;
  RunOptions options;
  options.seed = command.integer("seed") ? static_cast<std::uint64_t>(*command.integer("seed")) : workload.seed;
  if (command.find("timeline")) options.timeline = &timeline;
  const RunResult result = run(workload, substrate, options);
  if (options.timeline) {
    std::ostringstream trace;
    timeline.write(trace);
    write_file(command.get("timeline"), trace.str());
  }
  if (command.get("format") == "json")
    fmt::print("{}", format_json(result));
  else if (command.flag("quiet"))
    fmt::print("{}", format_summary(result));
  else
    fmt::print("{}", format_table(result));
  return kOk;
}

}  // namespace sparsesim::cli
