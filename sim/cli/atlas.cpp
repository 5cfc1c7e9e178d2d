// sparsesim atlas: every machine, every kind of sparsity, on one page.

#include "models/explore/atlas/atlas.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/say.h"

namespace sparsesim::cli {
namespace {

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

/// The page of scores: the one that is named, else the one that came with the program.
std::string accuracy_page(const ParsedCommand& command) {
  if (const auto named = command.find("accuracy")) return *named;
  for (const std::string& folder : shipped("docs").folders)
    if (const auto page = std::filesystem::path(folder) / "accuracy.md"; std::filesystem::exists(page))
      return page.string();
  return "";
}

/// Parts by name, several with commas. Errors: UsageError for an unknown one.
std::set<atlas::Part> parts_of(const std::string& list) {
  std::set<atlas::Part> parts;
  const auto names = atlas::part_names();
  for (const std::string& word : split_list(list)) {
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end())
      throw UsageError(fmt::format("--only \"{}\": there is no such part (known: {})", word, fmt::join(names, ", ")));
    parts.insert(static_cast<atlas::Part>(found - names.begin()));
  }
  return parts;
}

}  // namespace

int run_atlas(const ParsedCommand& command) {
  const InterruptGuard guard;
  atlas::AtlasOptions options;
  options.parts = parts_of(command.get("only"));
  options.threads = static_cast<int>(command.integer("threads").value_or(0));
  options.stop = &InterruptGuard::stop();
  const auto out = command.find("out");
  if (out) check_writable(*out);
  atlas::Evidence evidence = atlas::Evidence::read(accuracy_page(command));
  std::vector<atlas::Machine> machines =
      atlas::machines_of(split_list(command.get("substrate")), shipped("substrates"), evidence);
  std::unique_ptr<sweep::Store> store;
  if (const auto results = command.find("results"))
    store = std::make_unique<sweep::Store>(*results, sweep::Store::Mode::write);
  atlas::Points points(shipped("substrates"), shipped("workloads"), store.get());
  ProgressBar bar("cells");
  if (ProgressBar::visible() && !command.flag("quiet"))
    options.progress = [&](std::size_t done, std::size_t total) { bar.draw(done, total); };
  const auto result = atlas::make_atlas(std::move(machines), std::move(evidence), points, options);
  bar.clear();
  if (!result) {
    say("sparsesim: interrupted, no page was written{}\n", store ? "; the same command goes on from there" : "");
    return kInterruptedExit;
  }
  const std::string page = atlas::format_markdown(*result);
  if (!out) {
    fmt::print("{}", page);
    return kOk;
  }
  write_file(*out, page);
  fmt::print("{}: {} machines, {} points simulated, {} known before\n", *out, result->machines.size(),
             points.counts().simulated, points.counts().known);
  return kOk;
}

}  // namespace sparsesim::cli
