// sparsesim run

#include "models/evaluate/run.h"

#include <fmt/format.h>

#include <cstdio>
#include <sstream>

#include "models/evaluate/distribution.h"
#include "models/substrate/quantity_reader.h"
#include "models/substrate/substrate_check.h"
#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/config/reader.h"

namespace sparsesim::cli {

namespace {

std::string limits_of(const config::Range& range) {
  if (range.high <= 1) return fmt::format(" from {} to {}", range.low, range.high);
  return range.low_open ? " above 0" : " of 0 or more";
}

void apply_setting(Substrate& substrate, const std::string& path, const std::string& text) {
  bool found = false;
  std::vector<std::string> known;
  visit(substrate, [&](const std::string& each, Quantity& quantity, config::Dimension dimension, const char*, bool) {
    known.push_back(each);
    if (each != path) return;
    found = true;
    const config::Range range = allowed_range(dimension);
    const auto value = config::parse_quantity(text, dimension);
    if (!value || *value > range.high || (range.low_open ? *value <= range.low : *value < range.low))
      throw UsageError(
          fmt::format("--set {}: \"{}\" is not a {}{}", path, text, config::name(dimension), limits_of(range)));
    quantity.value = quantity.low = quantity.high = *value;
    quantity.kind = Provenance::guessed;
    quantity.source = "given on the command line";
  });
  if (found) return;
  const std::string near = config::nearest(path, known);
  throw UsageError(
      fmt::format("--set: unknown path \"{}\"{}", path,
                  near.empty() ? "; --dump-config prints all" : fmt::format("; did you mean \"{}\"?", near)));
}

/// Replaces numbers of the machine: "memory.dram.achieved=2 TB/s". Errors: UsageError with the nearest known path, for
/// a value that no file could hold, and for numbers that contradict each other afterwards.
void apply_settings(Substrate& substrate, const std::vector<std::string>& settings) {
  if (settings.empty()) return;
  for (const std::string& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) throw UsageError(fmt::format("--set \"{}\": expected PATH=VALUE", setting));
    apply_setting(substrate, setting.substr(0, equals), setting.substr(equals + 1));
  }
  config::Diagnostics contradictions;
  check_consistent(substrate, {}, {}, contradictions);
  if (!contradictions.empty()) throw UsageError(fmt::format("--set: {}", contradictions.mistakes().front().message));
}

/// The same workload with this seed and those after it. False after Ctrl-C.
bool add_distribution(const ParsedCommand& command, const Workload& workload, const Substrate& substrate,
                      std::int64_t seeds, RunResult& result) {
  DistributionOptions options;
  options.first_seed = result.seed;
  options.seeds = seeds;
  options.stop = &InterruptGuard::stop();
  ProgressBar bar("seeds");
  if (ProgressBar::visible() && !command.flag("quiet"))
    options.progress = [&](std::size_t done, std::size_t total) { bar.draw(done, total); };
  const InterruptGuard guard;
  result.distribution = over_seeds(workload, substrate, options);
  bar.clear();
  return result.distribution.has_value();
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
  if (command.find("timeline")) check_writable(command.get("timeline"));
  Timeline timeline;
  RunOptions options;
  options.seed = command.integer("seed") ? static_cast<std::uint64_t>(*command.integer("seed")) : workload.seed;
  if (command.find("timeline")) options.timeline = &timeline;
  const std::int64_t seeds = command.integer("seeds").value_or(0);
  if (seeds > 0 && options.seed > static_cast<std::uint64_t>(INT64_MAX - seeds))
    throw UsageError(fmt::format("--seeds {}: the last seed would be above {}", seeds, INT64_MAX));
  RunResult result = run(workload, substrate, options);
  if (seeds > 0 && !add_distribution(command, workload, substrate, seeds, result)) {
    fmt::print(stderr, "sparsesim: interrupted, nothing was written\n");
    return kInterruptedExit;
  }
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
