#pragma once
// Words for the table of subcommands and options; private to the files that hold it.

#include "sim/cli/options.h"

namespace sparsesim::cli {

inline OptionSpec flag(std::string name, std::string doc) {
  OptionSpec option;
  option.name = std::move(name);
  option.doc = std::move(doc);
  return option;
}

inline OptionSpec value(std::string name, ValueType type, std::string placeholder, std::string doc,
                        std::string fallback = {}) {
  OptionSpec option = flag(std::move(name), std::move(doc));
  option.type = type;
  option.placeholder = std::move(placeholder);
  option.fallback = std::move(fallback);
  return option;
}

inline OptionSpec choice(std::string name, std::string placeholder, std::vector<std::string> choices, std::string doc,
                         std::string fallback) {
  OptionSpec option =
      value(std::move(name), ValueType::choice, std::move(placeholder), std::move(doc), std::move(fallback));
  option.choices = std::move(choices);
  return option;
}

inline OptionSpec integer(std::string name, std::int64_t low, std::int64_t high, std::string doc,
                          std::string fallback = {}) {
  OptionSpec option = value(std::move(name), ValueType::integer, "N", std::move(doc), std::move(fallback));
  option.low = low;
  option.high = high;
  return option;
}

inline OptionSpec required(OptionSpec option) {
  option.required = true;
  return option;
}

inline OptionSpec repeatable(OptionSpec option) {
  option.repeatable = true;
  return option;
}

/// A file that the command makes or replaces.
inline OptionSpec output(std::string name, std::string doc) {
  OptionSpec option = value(std::move(name), ValueType::file, "FILE", std::move(doc));
  option.written = true;
  return option;
}

inline OptionSpec format_option() { return choice("format", "FORMAT", {"table", "json"}, "what to print", "table"); }
inline OptionSpec html_option() { return output("html", "also write the results as one page with charts"); }
/// `example`: a leaf of a workload.
inline OptionSpec set_option(const std::string& example) {
  return repeatable(
      value("set", ValueType::text, "PATH=VALUE",
            "replace a leaf of the machine (memory.dram.achieved=\"2 TB/s\", devices=4) or of the workload (" +
                example + ")"));
}
inline OptionSpec quiet_option() { return flag("quiet", "print the result alone: no progress, no notes"); }

/// The rows of commands that run many points.
std::vector<CommandSpec> explore_commands();

}  // namespace sparsesim::cli
