// sparsesim run

#include "models/evaluate/run.h"

#include <fmt/format.h>

#include <cstdio>
#include <sstream>

#include "models/evaluate/distribution.h"
#include "models/serving/served_workload.h"
#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/say.h"
#include "sim/cli/settings.h"

namespace sparsesim::cli {

namespace {

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
  const auto [substrate, workload] = load_inputs(command);
  const std::string serving = resolved_serving(workload);  // not used here, and yet its keys must be right
  if (command.flag("dump-config")) {
    fmt::print("# substrate\n{}---\n# workload\n{}{}", dump_substrate(substrate), workload.resolved, serving);
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
    say("sparsesim: interrupted, nothing was written\n");
    return kInterruptedExit;
  }
  if (options.timeline) {
    std::ostringstream trace;
    timeline.write(trace);
    write_file(command.get("timeline"), trace.str());
  }
  if (command.get("format") == "json") {
    result.inputs_hash = hash_inputs(workload, substrate, result.seed);
    fmt::print("{}", format_json(result));
  } else if (command.flag("quiet")) {
    fmt::print("{}", format_summary(result));
  } else {
    fmt::print("{}", format_table(result, command.flag("kernels")));
  }
  return kOk;
}

}  // namespace sparsesim::cli
