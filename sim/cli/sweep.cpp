// sparsesim sweep

#include <fmt/format.h>

#include <filesystem>

#include "models/explore/sweep_ranks.h"
#include "sim/cli/commands.h"
#include "sim/cli/failure.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/say.h"
#include "sim/cluster/launcher.h"
#include "sim/core/printable.h"
#include "sim/sweep/rank_files.h"
#include "sim/sweep/sweep_page.h"

namespace sparsesim::cli {
namespace {

sweep::Request request_of(const ParsedCommand& command) {
  sweep::Request request;
  request.file = command.get("SPEC");
  request.substrate = command.get("substrate");
  request.workload = command.get("workload");
  request.vary = command.get_all("vary");
  request.where = command.get_all("where");
  return request;
}

std::string setting_text(const sweep::Design& design, const std::vector<std::string>& setting) {
  std::string text;
  for (std::size_t i = 0; i < setting.size(); ++i)
    if (design.parameters()[i].values.list.size() != 1)
      text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", design.parameters()[i].path, setting[i]);
  return text.empty() ? "the only point" : text;
}

/// The point with the largest, or smallest, realised speedup; the first of equal ones.
struct Extreme {
  double speedup = 0;
  std::vector<std::string> setting;
  void offer(double value, const std::vector<std::string>& at, bool better) {
    if (!setting.empty() && !better) return;
    speedup = value;
    setting = at;
  }
};

std::string summary(const sweep::Design& design, sweep::Store& store) {
  Extreme best, worst;
  std::int64_t points = 0, pays = 0;
  for (const auto& [number, row] : store.sweeps()) {
    if (row.hash != sweep_hash(design)) continue;
    store.for_each(number, [&](const sweep::MemberRow& member, const sweep::PointRow& point) {
      if (!point.error.empty()) return;
      ++points;
      pays += point.realised_speedup > 1;
      best.offer(point.realised_speedup, member.setting, point.realised_speedup > best.speedup);
      worst.offer(point.realised_speedup, member.setting, point.realised_speedup < worst.speedup);
    });
  }
  if (points == 0) return "";
  return fmt::format("  sparse is faster at {} of {} points\n  best  {:.2f}x  {}\n  worst {:.2f}x  {}\n", pays, points,
                     best.speedup, printable(setting_text(design, best.setting)), worst.speedup,
                     printable(setting_text(design, worst.setting)));
}

std::string counts(const SweepOutcome& outcome, const std::string& file) {
  std::string text = fmt::format("{} points simulated, {} known before", outcome.simulated, outcome.known);
  if (outcome.failed > 0) text += fmt::format(", {} that the machine cannot run", outcome.failed);
  if (outcome.left_out > 0) text += fmt::format(", {} left out by conditions", outcome.left_out);
  return fmt::format("{}: {}\n", file, text);
}

void check_points(const sweep::Design& design) {
  if (const std::int64_t points = design.count(); points > sweep::kPagePointsMost)
    throw UsageError(fmt::format("--html holds {} points, not {}", sweep::kPagePointsMost, points));
}

Study study_of(const sweep::Design& design, const ParsedCommand& command) {
  return {design.parameters(), {shipped("substrates"), shipped("workloads"), command.flag("waterfall")}};
}

SweepOptions options_of(const ParsedCommand& command) {
  SweepOptions options;
  options.threads = static_cast<int>(command.integer("threads").value_or(0));
  options.stop = &InterruptGuard::stop();
  return options;
}

/// A rank other than the first: works for it and says nothing.
int follow(const ParsedCommand& command, cluster::Ranks& ranks) {
  const InterruptGuard guard({SIGINT, SIGTERM});
  const auto prepare = [&](const auto& go_on) {
    const sweep::Design design = sweep::Design::read(request_of(command));
    Study study = study_of(design, command);
    go_on({design, study});
  };
  follow_sweep(prepare, results_file(command), ranks, options_of(command), describe_failure);
  return kOk;
}

/// With the help of the other ranks, where there are some.
SweepOutcome simulate(const sweep::Design& design, Study& study, sweep::Store& store, const ParsedCommand& command,
                      cluster::Ranks* ranks) {
  SweepOptions options = options_of(command);
  ProgressBar bar("points");
  if (!command.flag("quiet") && (ranks || ProgressBar::visible()))
    options.progress = [&](std::int64_t done, std::int64_t total) {
      bar.draw(static_cast<std::size_t>(done), static_cast<std::size_t>(total));
    };
  if (!ranks) {
    const InterruptGuard guard;
    const SweepOutcome outcome = sparsesim::run_sweep(design, study, store, options);
    bar.clear();
    return outcome;
  }
  const InterruptGuard guard({SIGINT, SIGTERM});
  LeadCost cost;
  const SweepOutcome outcome = lead_sweep(design, study, store, results_file(command), *ranks, options, cost);
  bar.clear();
  if (!command.flag("quiet"))
    say("sparsesim: {} ranks, {} threads; {} messages of {} bytes took rank 0 {:.3f} s, merging {:.3f} s\n", cost.ranks,
        cost.threads, cost.messages, cost.bytes, cost.message_seconds, cost.merge_seconds);
  return outcome;
}

}  // namespace

std::string results_file(const ParsedCommand& command) {
  if (const auto out = command.find("out")) return *out;
  const std::filesystem::path spec = command.get("SPEC");
  return spec.empty() ? "sweep.sqlite" : spec.stem().string() + ".sqlite";
}

int run_sweep(const ParsedCommand& command) {
  const std::unique_ptr<cluster::Ranks> ranks = cluster::join_launched();
  if (ranks && ranks->rank() > 0) return follow(command, *ranks);
  const Dismissal dismissal(ranks.get());
  config::Diagnostics diagnostics;
  const sweep::Design design = sweep::Design::read(request_of(command), diagnostics);
  Study study = study_of(design, command);
  check_values(design, study, diagnostics);
  diagnostics.throw_if_any();
  const auto page = command.find("html");
  if (page) check_page(*page), check_points(design);
  const std::string file = results_file(command);
  sweep::Store store(file, sweep::Store::Mode::write);
  sweep::take_over(store, sweep::rank_files(file));  // left by ranks that died
  const SweepOutcome outcome = simulate(design, study, store, command, ranks.get());
  if (!outcome.finished) {
    say("sparsesim: interrupted; {}The same command goes on from there.\n", counts(outcome, file));
    return kInterruptedExit;
  }
  if (page) write_file(*page, sweep::sweep_page(store, sweep_hash(design)));
  fmt::print("{}", counts(outcome, file));
  if (!command.flag("quiet")) fmt::print("{}", summary(design, store));
  return kOk;
}

}  // namespace sparsesim::cli
