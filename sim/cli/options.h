#pragma once
// The command line as one table: parsing, --help, shell completion and the man page are all made from it.

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sparsesim::cli {

/// What an argument holds: fixes how it is checked and what a shell offers for it.
enum class ValueType { flag, text, integer, file, directory, choice, substrate, workload };

/// An option (--name) or, in CommandSpec::positionals, an argument without a name.
struct OptionSpec {
  std::string name;  // "seed" for --seed; "SUBSTRATE" for a positional
  ValueType type = ValueType::flag;
  std::string placeholder;  // "N" in "--seed N"; empty for flags
  std::string doc;          // one sentence without its full stop
  std::string fallback;     // default shown in the help and returned by get(); empty for none
  bool required = false;
  bool repeatable = false;                 // may be given more than once; file lists also as "--measurements A B"
  bool written = false;                    // of a file: made or replaced by the command, not read
  std::vector<std::string> choices;        // for ValueType::choice
  std::int64_t low = 0, high = INT64_MAX;  // for ValueType::integer
};

struct CommandSpec {
  std::string name;
  std::string summary;  // one line, for the list of commands
  std::string details;  // a paragraph for --help and the man page; may be empty
  std::vector<OptionSpec> options;
  std::vector<OptionSpec> positionals;
  std::vector<std::string> examples;  // command lines
};

/// Every subcommand, in the order of the help. A new subcommand or option is one row here.
const std::vector<CommandSpec>& commands();
/// The row of a subcommand, or nothing.
const CommandSpec* find_command(std::string_view name);

/// A wrong command line. what() is one line to print after "sparsesim: "; the exit code is 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A command line that passed all checks. Asking for an option that the command does not have is a programmer's mistake
/// (std::logic_error).
///
///   const ParsedCommand command = parse_command_line({argv + 1, argv + argc});
///   if (command.name == "run") return run(command.get("substrate"), command.integer("seed"), command.flag("quiet"));
///
/// "help" (also --help, -h, and --help after a subcommand) has the positional "COMMAND"; print
/// help_text(get("COMMAND")).
struct ParsedCommand {
  std::string name;  // run, validate, show, list, schema, completion, man, version, help
  std::map<std::string, std::vector<std::string>> values;  // given on the command line; defaults are not in here

  /// Value of an option or positional: the last one given, else its default, else empty.
  std::string get(std::string_view option) const;
  /// The value if it was given.
  std::optional<std::string> find(std::string_view option) const;
  /// All values of a repeatable option in the order given; its default alone if none was.
  std::vector<std::string> get_all(std::string_view option) const;
  /// Value of an integer option (already checked); nothing where it was not given and has no default.
  std::optional<std::int64_t> integer(std::string_view option) const;
  bool flag(std::string_view option) const;
};

/// Parses the arguments after the program's name. No argument at all means help.
/// Errors: UsageError for unknown commands, options and choices (with the nearest known one), missing and repeated
/// values, integers out of range.
ParsedCommand parse_command_line(const std::vector<std::string>& arguments);

/// Help of one command; of the program where `command` is empty. Ends in a newline.
std::string help_text(std::string_view command = {});

}  // namespace sparsesim::cli
