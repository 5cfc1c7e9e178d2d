// The text of --help, from the option table.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sim/cli/options.h"

namespace sparsesim::cli {
namespace {

constexpr std::size_t kLineWidth = 100;

/// Words of `text` in lines of at most `kLineWidth`, each after the first indented.
std::string wrap(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (column + word.size() + 1 > kLineWidth && column > indent) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    at = end + 1;
  }
  return out;
}

std::string label(const OptionSpec& option, bool positional) {
  if (positional) return option.name + (option.repeatable ? "..." : "");
  return "--" + option.name + (option.placeholder.empty() ? "" : " " + option.placeholder) +
         (option.repeatable && option.type == ValueType::file ? "..." : "");
}

std::string doc(const OptionSpec& option) {
  std::string text = option.doc;
  if (!option.choices.empty()) text += fmt::format(": {}", fmt::join(option.choices, ", "));
  if (!option.fallback.empty()) text += fmt::format(" (default {})", option.fallback);
  if (option.repeatable && option.type != ValueType::file) text += " (may be repeated)";
  if (option.required) text += " (required)";
  return text;
}

/// Two aligned columns.
std::string table(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t left = 0;
  for (const auto& row : rows) left = std::max(left, row.first.size());
  std::string out;
  for (const auto& [name, text] : rows) out += fmt::format("  {:<{}}  {}\n", name, left, wrap(text, left + 4));
  return out;
}

std::string program_help() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const CommandSpec& command : commands()) rows.emplace_back(command.name, command.summary);
  return "Usage: sparsesim COMMAND [OPTIONS]\n\n"
         "Predicts the realised speedup of sparse workloads on modeled accelerators.\n\nCommands:\n" +
         table(rows) +
         "\n`sparsesim COMMAND --help` says more. Exit codes: 0 ok, 1 simulation error, 2 bad input, 3 no such "
         "device.\n";
}

}  // namespace

std::string help_text(std::string_view name) {
  const CommandSpec* command = find_command(name);
  if (!command) return program_help();
  std::string usage = "Usage: sparsesim " + command->name;
  std::vector<std::pair<std::string, std::string>> arguments, options;
  for (const OptionSpec& argument : command->positionals) {
    const std::string shown = label(argument, true);
    usage += argument.required ? " " + shown : " [" + shown + "]";
    arguments.emplace_back(shown, doc(argument));
  }
  bool optional = false;
  for (const OptionSpec& option : command->options) {
    if (option.required) usage += " " + label(option, false);
    optional = optional || !option.required;
    options.emplace_back(label(option, false), doc(option));
  }
  options.emplace_back("--help", "print this text");
  std::string out = usage + (optional ? " [OPTIONS]" : "") + "\n\n" + wrap(command->summary, 0) + "\n";
  if (!command->details.empty()) out += "\n" + wrap(command->details, 0) + "\n";
  if (!arguments.empty()) out += "\nArguments:\n" + table(arguments);
  out += "\nOptions:\n" + table(options);
  if (!command->examples.empty()) out += "\nExamples:\n";
  for (const std::string& example : command->examples) out += "  " + example + "\n";
  return out;
}

}  // namespace sparsesim::cli
