// sparsesim measure: turns a suite into a plan and lets a backend run it.

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>

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

/// A plan has no times, which may have taken hours. Errors: UsageError where `out` has some.
void keep_times(const std::string& out) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(out, error)) return;  // reading a pipe would wait for ever
  std::string header;
  std::getline(std::ifstream(out), header);
  if (header.find("time_us") != std::string::npos)
    throw UsageError(fmt::format("--plan-only: --out {} has measured times, which a plan would replace", out));
}

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

std::string plan_file(const std::string& out) { return out + ".plan"; }

int run_measure(const ParsedCommand& command) {
  const bool plan_only = command.flag("plan-only");
  const std::string out = command.get("out"), backend = command.get("backend");
  const auto machine = command.find("substrate");
  if (!machine && !plan_only) throw UsageError("measure needs --substrate, the machine that this device is");
  const Suite suite = load_suite(command.get("suite"), shipped("validate/measure/suites"));
  const std::string device = machine ? load_substrate(*machine, shipped("substrates")).name : backend;
  if (plan_only) keep_times(out);
  check_writable(out);
  const std::string plan = measure::plan_text(suite.plan(device));
  if (plan_only) {
    write_file(out, plan);
    return kOk;
  }
  const PlanFile file(plan_file(out), plan);
  std::vector<std::string> words = {"measure", "--plan", plan_file(out), "--out", out};
  for (std::string& word : passed_on(command)) words.push_back(std::move(word));
  return run_backend(backend, std::move(words));
}

}  // namespace sparsesim::cli
