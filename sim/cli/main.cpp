// The program: parses, calls the subcommand, and says what went wrong.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "sim/cli/commands.h"
#include "sim/cli/completion.h"
#include "sim/cli/failure.h"
#include "sim/cli/man.h"
#include "sim/cli/named_files.h"
#include "sim/cli/say.h"
#include "sim/cli/standard_input.h"
#include "sim/cluster/launcher.h"
#include "sim/core/printable.h"

namespace {

using namespace sparsesim;
using namespace sparsesim::cli;

int dispatch(const ParsedCommand& command) {
  if (command.name == "run") return run_run(command);
  if (command.name == "serve") return run_serve(command);
  if (command.name == "validate") return run_validate(command);
  if (command.name == "fingerprint") return run_fingerprint(command);
  if (command.name == "measure") return run_measure(command);
  if (command.name == "sweep") return run_sweep(command);
  if (command.name == "recommend") return run_recommend(command);
  if (command.name == "breakeven") return run_breakeven(command);
  if (command.name == "atlas") return run_atlas(command);
  if (command.name == "export") return run_export(command);
  if (command.name == "merge") return run_merge(command);
  if (command.name == "import") return run_import(command);
  if (command.name == "inspect") return run_inspect(command);
  if (command.name == "show") return run_show(command);
  if (command.name == "estimate") return run_estimate(command);
  if (command.name == "list") return run_list(command);
  if (command.name == "schema") return run_schema(command);
  if (command.name == "completion") {
    fmt::print("{}", completion_script(command.get("SHELL")));
  } else if (command.name == "man") {
    fmt::print("{}", man_page(SPARSESIM_VERSION));
  } else if (command.name == "version") {
    fmt::print("sparsesim {}\n", SPARSESIM_VERSION);
  } else {
    fmt::print("{}", help_text(command.get("COMMAND")));
  }
  return kOk;
}

int fail(int code, const std::string& message) {
  std::fflush(stdout);
  say("{}\n", printable_lines(message));
  return code;
}

int run(const std::vector<std::string>& arguments) {
  try {
    ParsedCommand command = parse_command_line(arguments);
    check_named_files(command);
    const auto piped = hold_standard_input(command);
    const int code = dispatch(command);
    if (std::fflush(stdout) == 0) return code;
    return fail(kSimulationError, fmt::format("sparsesim: cannot write to standard output: {}", std::strerror(errno)));
  } catch (...) {
    const Failure failure = describe_failure(std::current_exception());
    if (is_silent_rank(arguments)) return kOk;
    return fail(failure.code, failure.text);
  }
}

/// Takes the places of standard streams that are closed, so that no file we open gets what is said on one. Reading and
/// writing them fails as before.
void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file above the shell's limit is an error of its write, as a full disk is
  return run({argv + 1, argv + argc});
}
