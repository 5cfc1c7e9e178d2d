// sparsesim breakeven

#include "models/explore/breakeven.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/say.h"
#include "sim/page/page.h"

namespace sparsesim {

extern const PageTemplate kBreakevenPage;  // written at build time from models/explore/page

namespace cli {
namespace {

double target_of(const ParsedCommand& command) {
  const std::string text = command.get("target");
  double target = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(target) || target <= 0)
    throw UsageError(fmt::format("--target must be a number above 0, found \"{}\"", text));
  return target;
}

/// One bar after the other: the scan, then what it found.
class Bars {
 public:
  void draw(std::string_view items, std::size_t done, std::size_t total) {
    ProgressBar& bar = items == "points" ? points_ : crossings_;
    bar.draw(done, total);
    if (done == total) bar.clear();
  }
  void clear() const { points_.clear(); }

 private:
  ProgressBar points_{"points"}, crossings_{"crossings"};
};

}  // namespace

int run_breakeven(const ParsedCommand& command) {
  const InterruptGuard guard;  // from the first file on
  const auto page = command.find("html");
  if (page) check_page(*page);
  const BreakevenDesign design =
      BreakevenDesign::read({command.get("substrate"), command.get("workload"), command.get("over"),
                             command.get("also"), command.get_all("set")});
  BreakevenOptions options;
  options.target = target_of(command);
  options.points = command.integer("points").value();
  options.interval = !command.flag("no-interval");
  options.threads = static_cast<int>(command.integer("threads").value_or(0));
  options.stop = &InterruptGuard::stop();
  Study study(design.parameters, {shipped("substrates"), shipped("workloads"), false});
  check_values(design, study);
  Bars bars;
  const bool visible = ProgressBar::visible() && !command.flag("quiet");
  if (visible)
    options.progress = [&](std::string_view items, std::size_t done, std::size_t total) {
      bars.draw(items, done, total);
    };
  const BreakevenResult result = find_breakeven(design, study, options);
  if (!result.finished) {
    if (visible) bars.clear();
    say("sparsesim: interrupted, nothing was written\n");
    return kInterruptedExit;
  }
  if (page) write_file(*page, write_page(kBreakevenPage, breakeven_json(design, options, result)));
  if (command.get("format") == "json")
    fmt::print("{}", breakeven_json(design, options, result));
  else
    fmt::print("{}", breakeven_table(design, options, result, command.flag("quiet")));
  return kOk;
}

}  // namespace cli
}  // namespace sparsesim
