// sparsesim estimate: the back-of-the-envelope speedup, without a machine and without a run.

#include <fmt/format.h>

#include <array>

#include "models/evaluate/evaluate.h"
#include "sim/cli/commands.h"
#include "sim/config/quantity.h"

namespace sparsesim::cli {

namespace {

double share_option(const ParsedCommand& command, const char* option) {
  const std::string text = command.get(option);
  const auto share = config::parse_quantity(text, config::Dimension::share);
  if (!share || *share < 0 || *share > 1)
    throw UsageError(fmt::format("--{} must be a share from 0 to 1, found \"{}\"", option, text));
  return *share;
}

}  // namespace

int run_estimate(const ParsedCommand& command) {
  const SparsitySummary sparsity{share_option(command, "sparsity"), share_option(command, "cache"),
                                 share_option(command, "dispatch"), share_option(command, "transfer")};
  struct Aligned {
    const char* granule;
    double share;
  };
  const std::array<Aligned, 3> aligned{{{"lines of memory", sparsity.aligned_cache},
                                        {"tasks of the dispatcher", sparsity.aligned_dispatch},
                                        {"packets of the fabric", sparsity.aligned_transfer}}};
  Aligned least = aligned[0];
  for (const Aligned& each : aligned)
    if (each.share < least.share) least = each;
  fmt::print("{:.2f}x of ideal {:.2f}x: 1 / (1 - {:g} * {:g}){}\n", quick_estimate(sparsity),
             ideal_speedup(sparsity.declared), sparsity.declared, least.share,
             least.share < 1 ? fmt::format(", limited by {}", least.granule) : "");
  return kOk;
}

}  // namespace sparsesim::cli
