#pragma once
// The subcommands: each takes its parsed arguments and returns the exit code (docs/output.md lists the codes).

#include <functional>
#include <iosfwd>
#include <stdexcept>
#include <string>

#include "models/substrate/substrate.h"
#include "sim/cli/options.h"

namespace sparsesim::cli {

inline constexpr int kOk = 0;
inline constexpr int kSimulationError = 1;
inline constexpr int kBadInput = 2;

int run_run(const ParsedCommand& command);
int run_serve(const ParsedCommand& command);
int run_validate(const ParsedCommand& command);
int run_fingerprint(const ParsedCommand& command);
int run_measure(const ParsedCommand& command);
int run_sweep(const ParsedCommand& command);
int run_recommend(const ParsedCommand& command);
int run_breakeven(const ParsedCommand& command);
int run_atlas(const ParsedCommand& command);
int run_export(const ParsedCommand& command);
int run_merge(const ParsedCommand& command);
int run_import(const ParsedCommand& command);
int run_inspect(const ParsedCommand& command);
int run_show(const ParsedCommand& command);
int run_estimate(const ParsedCommand& command);
int run_list(const ParsedCommand& command);
int run_schema(const ParsedCommand& command);

/// Folders with shipped files of a kind ("substrates", "workloads"): beside the installed program, then the source
/// tree.
SearchPath shipped(const std::string& kind);

/// Where a sweep writes its results.
std::string results_file(const ParsedCommand& command);
/// Where the plan lies while a backend measures what is in it.
std::string plan_file(const std::string& out);

/// A result that finds no room: what() is one line with the file's name and the system's reason.
struct NoRoomError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Writes a whole file or nothing: a temporary file beside it, renamed at the end.
/// Errors: config::ConfigError naming the file and the system's reason; NoRoomError where it is no fault of the name.
void write_file(const std::string& path, const std::string& content);
/// The same, with what `write` writes piece by piece; what it throws goes on to the caller.
void write_file(const std::string& path, const std::function<void(std::ostream&)>& write);
/// Errors: UsageError in a build that cannot write pages.
void require_pages();
/// The same, and as check_writable() for the page's file.
void check_page(const std::string& path);
/// Fails as write_file() would for a folder that is not there or may not be written, so that nobody waits for a result
/// in vain.
void check_writable(const std::string& path);

}  // namespace sparsesim::cli
