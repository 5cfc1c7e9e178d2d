// sparsesim recommend: which pattern of weights pays for a product on a machine.

#include "models/explore/recommend.h"

#include <fmt/format.h>

#include <charconv>

#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/say.h"
#include "sim/cli/settings.h"
#include "sim/page/page.h"

namespace sparsesim {

extern const PageTemplate kRecommendPage;  // written at build time from models/explore/page

namespace cli {
namespace {

/// Errors: UsageError for what is no number from `low` to `high`.
double number_option(const ParsedCommand& command, const char* option, double low, double high) {
  const std::string text = command.get(option);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end || !(value >= low && value <= high))
    throw UsageError(fmt::format("--{} \"{}\": expected a number from {} to {}", option, text, low, high));
  return value;
}

}  // namespace

int run_recommend(const ParsedCommand& command) {
  const InterruptGuard guard;  // from the first file on
  const auto page = command.find("html");
  if (page) check_page(*page);
  RecommendOptions options;
  options.max_sparsity = number_option(command, "max-sparsity", 0.01, 0.999);
  options.target = number_option(command, "target", 1, 1000);
  options.threads = static_cast<int>(command.integer("threads").value_or(0));
  options.explain_all = page || command.get("format") == "json";
  options.stop = &InterruptGuard::stop();
  const auto [substrate, workload] = load_inputs(command);
  const WorkloadOp& op = find_product(workload, substrate, command.get("op"));
  options.seed = command.integer("seed") ? static_cast<std::uint64_t>(*command.integer("seed")) : workload.seed;
  ProgressBar bar("patterns");
  if (ProgressBar::visible() && !command.flag("quiet"))
    options.progress = [&](std::size_t done, std::size_t total) { bar.draw(done, total); };
  auto recommendation = recommend(*product_of(*op.op), substrate, options);
  bar.clear();
  if (!recommendation) {
    say("sparsesim: interrupted, nothing was written\n");
    return kInterruptedExit;
  }
  recommendation->workload = workload.name;
  recommendation->op = op.name;
  if (const auto file = command.find("quality")) add_quality(*recommendation, *file);
  if (page) write_file(*page, write_page(kRecommendPage, format_json(*recommendation)));
  fmt::print("{}", command.get("format") == "json" ? format_json(*recommendation) : format_table(*recommendation));
  return kOk;
}

}  // namespace cli
}  // namespace sparsesim
