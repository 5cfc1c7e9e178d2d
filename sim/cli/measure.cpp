// sparsesim measure: turns a suite into a plan and lets a backend run it.

#include <fmt/format.h>

#include <filesystem>

#include "sim/cli/backend.h"
#include "sim/cli/commands.h"
#include "validate/measure/suite/suite.h"

namespace sparsesim::cli {
namespace {

/// The plan lies beside the results while the backend runs.
class PlanFile {
 public:
  PlanFile(std::string path, const std::string& text) : path_(std::move(path)) { write_file(path_, text); }
  ~PlanFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  PlanFile(const PlanFile&) = delete;
  PlanFile& operator=(const PlanFile&) = delete;

 private:
  std::string path_;
};

/// Options that the backend has, too, as they were given.
std::vector<std::string> passed_on(const ParsedCommand& command) {
  std::vector<std::string> words;
  for (const char* option : {"threads", "visits", "seed"})
    if (const auto value = command.find(option)) words.insert(words.end(), {fmt::format("--{}", option), *value});
  for (const char* option : {"quick", "quiet"})
    if (command.flag(option)) words.push_back(fmt::format("--{}", option));
  return words;
}

}  // namespace

int run_measure(const ParsedCommand& command) {
  const bool plan_only = command.flag("plan-only");
  const std::string out = command.get("out"), backend = command.get("backend");
  const auto machine = command.find("substrate");
  if (!machine && !plan_only) throw UsageError("measure needs --substrate, the machine that this device is");
  const Suite suite = load_suite(command.get("suite"), shipped("validate/measure/suites"));
  const std::string device = machine ? load_substrate(*machine, shipped("substrates")).name : backend;
  check_writable(out);
  const std::string plan = measure::plan_text(suite.plan(device));
  if (plan_only) {
    write_file(out, plan);
    return kOk;
  }
  const PlanFile file(out + ".plan", plan);
  std::vector<std::string> words = {"measure", "--plan", out + ".plan", "--out", out};
  for (std::string& word : passed_on(command)) words.push_back(std::move(word));
  return run_backend(backend, std::move(words));
}

}  // namespace sparsesim::cli
