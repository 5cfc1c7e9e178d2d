// sparsesim serve: requests to a model, batched and answered.

#include "models/serving/serve.h"

#include <fmt/format.h>

#include <charconv>

#include "models/serving/batch_serve.h"
#include "models/serving/serve_report.h"
#include "models/serving/served_workload.h"
#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/say.h"
#include "sim/cli/settings.h"

namespace sparsesim::cli {
namespace {

constexpr std::size_t kRatesMost = 64;

/// Requests per second, ascending or not. Errors: UsageError.
std::vector<double> rates_of(const ParsedCommand& command) {
  std::vector<double> rates;
  const std::string text = command.get("rate");
  for (std::size_t begin = 0; begin <= text.size() && command.find("rate");) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    double rate = 0;
    const auto [at, error] = std::from_chars(text.data() + begin, text.data() + end, rate);
    if (error != std::errc() || at != text.data() + end || !(rate >= 1e-6 && rate <= 1e6))
      throw UsageError(
          fmt::format("--rate \"{}\": expected requests per second from 1e-06 to 1e+06, with commas "
                      "between several",
                      text));
    rates.push_back(rate);
    begin = end + 1;
  }
  if (rates.size() > kRatesMost) throw UsageError(fmt::format("--rate: more than {} rates", kRatesMost));
  return rates;
}

/// The workload's tree with its changed values, and the settings that are the machine's.
config::Node load_served_tree(const ParsedCommand& command, std::vector<std::string>& machine_settings) {
  const config::Node tree = load_workload_tree(command.get("workload"), shipped("workloads"));
  std::vector<config::Change> changes;
  for (const std::string option : {"requests", "concurrency", "trace", "input", "output", "ttft", "tpot"})
    if (const auto text = command.find(option)) {
      const std::string value = option == "trace" ? config::yaml_text(*text) : *text;
      changes.push_back(workload_change(tree, "serving." + option, value, "--" + option));
    }
  Settings settings = split_settings(tree, command.get_all("set"));
  changes.insert(changes.end(), settings.workload.begin(), settings.workload.end());
  machine_settings = std::move(settings.machine);
  return config::with_changes(tree, changes);
}

ServedQuality quality_of(const ParsedCommand& command) {
  const std::string text = command.get("quality");
  const std::size_t comma = text.find(',');
  if (comma == std::string::npos && !text.empty())
    throw UsageError(fmt::format("--quality \"{}\": expected DENSE,SPARSE", text));
  return text.empty() ? ServedQuality{} : ServedQuality{text.substr(0, comma), text.substr(comma + 1)};
}

}  // namespace

int run_serve(const ParsedCommand& command) {
  const InterruptGuard guard;  // from the first file on
  const std::vector<double> rates = rates_of(command);
  if (!rates.empty() && command.find("concurrency"))
    throw UsageError("--rate and --concurrency: requests come at a rate, or from so many users");
  const ServedQuality quality = quality_of(command);
  const auto requests_file = command.find("requests-out");
  const auto points_file = command.find("points-out");
  for (const auto& file : {requests_file, points_file})
    if (file) check_writable(*file);
  std::vector<std::string> machine_settings;
  const ServedWorkload served = read_served(load_served_tree(command, machine_settings), !rates.empty());
  const Substrate substrate = load_with_settings(command.get("substrate"), machine_settings);
  if (command.flag("dump-config")) {
    fmt::print("# substrate\n{}---\n# workload\n{}", dump_substrate(substrate), served.resolved);
    return kOk;
  }
  ServeOptions options;
  options.seed = command.integer("seed") ? static_cast<std::uint64_t>(*command.integer("seed")) : served.workload.seed;
  options.threads = static_cast<int>(command.integer("threads").value_or(0));
  options.interval = !command.flag("no-interval");
  options.stop = &InterruptGuard::stop();
  ProgressBar bar("requests");
  if (ProgressBar::visible() && !command.flag("quiet"))
    options.progress = [&](std::size_t done, std::size_t total) { bar.draw(done, total); };
  const auto finish = [&](auto result) {
    bar.clear();
    if (!result) {
      say("sparsesim: interrupted, nothing was written\n");
      return kInterruptedExit;
    }
    result->workload = served.workload.name;
    if (requests_file) write_file(*requests_file, format_requests(*result));
    if (points_file) write_file(*points_file, format_points(*result));
    fmt::print("{}", command.get("format") == "json" ? format_json(*result, quality) : format_table(*result, quality));
    return kOk;
  };
  if (served.scheduling != Scheduling::continuous)
    return finish(serve_batches(served.tree, substrate, served.spec, rates, options, served.place));
  return finish(serve_model(served.workload.model->model, substrate, served.spec, rates, options, served.place));
}

}  // namespace sparsesim::cli
