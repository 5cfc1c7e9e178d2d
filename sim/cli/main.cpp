// The program: parses, calls the subcommand, and turns every kind of error into one message and an exit code.

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>

#include "models/network/topology.h"
#include "models/ops/limits.h"
#include "models/ops/op.h"
#include "sim/cli/commands.h"
#include "sim/cli/completion.h"
#include "sim/cli/man.h"
#include "sim/config/node.h"
#include "sim/sweep/store.h"

namespace {

using namespace sparsesim;
using namespace sparsesim::cli;

int dispatch(const ParsedCommand& command) {
  if (command.name == "run") return run_run(command);
  if (command.name == "validate") return run_validate(command);
  if (command.name == "fingerprint") return run_fingerprint(command);
  if (command.name == "measure") return run_measure(command);
  if (command.name == "sweep") return run_sweep(command);
  if (command.name == "recommend") return run_recommend(command);
  if (command.name == "breakeven") return run_breakeven(command);
  if (command.name == "export") return run_export(command);
  if (command.name == "merge") return run_merge(command);
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
  fmt::print(stderr, "sparsesim: {}\n", message);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = dispatch(parse_command_line({argv + 1, argv + argc}));
    return std::fflush(stdout) == 0
               ? code
               : fail(kSimulationError, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  } catch (const UsageError& error) {
    return fail(kBadInput, error.what());
  } catch (const config::ConfigError& error) {
    std::fflush(stdout);
    fmt::print(stderr, "{}\n", error.what());
    return kBadInput;
  } catch (const UnsupportedError& error) {  // begins with the place of the op
    std::fflush(stdout);
    fmt::print(stderr, "{}\n", error.what());
    return kSimulationError;
  } catch (const sweep::StoreError& error) {
    return fail(error.bad_input ? kBadInput : kSimulationError, error.what());
  } catch (const FabricError& error) {
    return fail(kSimulationError, error.what());
  } catch (const TooLargeError& error) {
    return fail(kBadInput, error.what());
  } catch (const std::overflow_error& error) {
    return fail(kBadInput, fmt::format("too large: {}", error.what()));
  } catch (const std::system_error& error) {  // fmt could not print
    return fail(kSimulationError, fmt::format("cannot write to standard output: {}", error.code().message()));
  } catch (const std::bad_alloc&) {
    return fail(kSimulationError, "out of memory");
  } catch (const std::exception& error) {
    return fail(kSimulationError, fmt::format("internal error: {}", error.what()));
  }
}
