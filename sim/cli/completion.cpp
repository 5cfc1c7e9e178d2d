#include "sim/cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

#include "sim/cli/options.h"

namespace sparsesim::cli {
namespace {

/// Shell text for a single-quoted string.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const CommandSpec& command : commands()) names.push_back(command.name);
  return names;
}

// ---- bash -----------------------------------------------------------------------------------------------------------

/// The line that fills COMPREPLY with candidates for one value.
std::string bash_values(const OptionSpec& option, const std::string& names) {
  switch (option.type) {
    case ValueType::choice:
      return fmt::format("COMPREPLY=($(compgen -W {} -- \"$cur\"))",
                         shell_quoted(fmt::format("{}", fmt::join(option.choices, " "))));
    case ValueType::file:
      return "COMPREPLY=($(compgen -f -- \"$cur\"))";
    case ValueType::directory:
      return "COMPREPLY=($(compgen -d -- \"$cur\"))";
    case ValueType::substrate:
    case ValueType::workload:
      return fmt::format(
          "COMPREPLY=($(compgen -f -- \"$cur\") $(compgen -W \"$(sparsesim list {} --names 2>/dev/null)\" -- "
          "\"$cur\"))",
          option.type == ValueType::substrate ? "substrates" : "workloads");
    case ValueType::text:
      if (option.name == "COMMAND") return fmt::format("COMPREPLY=($(compgen -W {} -- \"$cur\"))", shell_quoted(names));
      return "COMPREPLY=()";
    case ValueType::flag:
    case ValueType::integer:
      break;
  }
  return "COMPREPLY=()";
}

std::string bash_script() {
  const std::string names = fmt::format("{}", fmt::join(command_names(), " "));
  std::string out =
      "# bash completion for sparsesim\n"
      "_sparsesim() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W " +
      shell_quoted(names + " --help --version") +
      " -- \"$cur\"))\n    return\n  fi\n"
      "  case \"${COMP_WORDS[1]}:$prev\" in\n";
  for (const CommandSpec& command : commands())
    for (const OptionSpec& option : command.options)
      if (option.type != ValueType::flag)
        out += fmt::format("    {}:--{}) {}; return ;;\n", command.name, option.name, bash_values(option, names));
  out += "  esac\n  case \"${COMP_WORDS[1]}\" in\n";
  for (const CommandSpec& command : commands()) {
    std::string options = "--help";
    for (const OptionSpec& option : command.options) options += " --" + option.name;
    out += fmt::format("    {})\n      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W {} -- \"$cur\"))\n",
                       command.name, shell_quoted(options));
    if (!command.positionals.empty()) out += "      else " + bash_values(command.positionals.front(), names) + "\n";
    out += "      fi ;;\n";
  }
  return out + "  esac\n}\ncomplete -o filenames -F _sparsesim sparsesim\n";
}

// ---- zsh ------------------------------------------------------------------------------------------------------------

/// Text inside a zsh _arguments specification.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const OptionSpec& option) {
  switch (option.type) {
    case ValueType::choice:
      return fmt::format("({})", fmt::join(option.choices, " "));
    case ValueType::file:
      return "_files";
    case ValueType::directory:
      return "_files -/";
    case ValueType::substrate:
      return "_sparsesim_substrates";
    case ValueType::workload:
      return "_sparsesim_workloads";
    case ValueType::text:
      return option.name == "COMMAND" ? fmt::format("({})", fmt::join(command_names(), " ")) : "";
    case ValueType::flag:
    case ValueType::integer:
      break;
  }
  return "";
}

std::string zsh_script() {
  std::string out = "#compdef sparsesim\n";
  for (const char* kind : {"substrates", "workloads"}) {
    out += fmt::format(
        "_sparsesim_{0}() {{ _alternative 'files:file:_files' \"names:name:($(sparsesim list {0} --names "
        "2>/dev/null))\" }}\n",
        kind);
  }
  out += "_sparsesim() {\n  local -a commands=(\n";
  for (const CommandSpec& command : commands())
    out += "    " + shell_quoted(command.name + ":" + zsh_text(command.summary)) + "\n";
  out +=
      "  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n  local name=$words[2]\n"
      "  shift words; (( CURRENT-- ))\n  case $name in\n";
  for (const CommandSpec& command : commands()) {
    out += fmt::format("    {}) _arguments '--help[print help]'", command.name);
    for (const OptionSpec& option : command.options) {
      std::string text = (option.repeatable ? "*--" : "--") + option.name + "[" + zsh_text(option.doc) + "]";
      if (option.type != ValueType::flag) text += ":" + zsh_text(option.placeholder) + ":" + zsh_action(option);
      out += " \\\n        " + shell_quoted(text);
    }
    for (const OptionSpec& argument : command.positionals) {
      const std::string prefix = argument.repeatable ? "*:" : argument.required ? ":" : "::";
      out += " \\\n        " + shell_quoted(prefix + zsh_text(argument.name) + ":" + zsh_action(argument));
    }
    out += " ;;\n";
  }
  return out +
         "  esac\n}\nif [ \"$funcstack[1]\" = \"_sparsesim\" ]; then _sparsesim \"$@\"; else compdef _sparsesim "
         "sparsesim; fi\n";
}

// ---- fish -----------------------------------------------------------------------------------------------------------

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_values(const OptionSpec& option) {
  switch (option.type) {
    case ValueType::choice:
      return fmt::format(" -x -a {}", fish_quoted(fmt::format("{}", fmt::join(option.choices, " "))));
    case ValueType::file:
      return " -r -F";
    case ValueType::directory:
      return " -x -a '(__fish_complete_directories)'";
    case ValueType::substrate:
      return " -r -F -a '(sparsesim list substrates --names 2>/dev/null)'";
    case ValueType::workload:
      return " -r -F -a '(sparsesim list workloads --names 2>/dev/null)'";
    case ValueType::text:
      if (option.name == "COMMAND")
        return fmt::format(" -x -a {}", fish_quoted(fmt::format("{}", fmt::join(command_names(), " "))));
      return " -x";
    case ValueType::integer:
      return " -x";
    case ValueType::flag:
      break;
  }
  return "";
}

std::string fish_script() {
  std::string out = "# fish completion for sparsesim\ncomplete -c sparsesim -f\n";
  for (const CommandSpec& command : commands()) {
    out += fmt::format("complete -c sparsesim -n __fish_use_subcommand -a {} -d {}\n", command.name,
                       fish_quoted(command.summary));
    const std::string here = fmt::format("complete -c sparsesim -n '__fish_seen_subcommand_from {}'", command.name);
    for (const OptionSpec& option : command.options)
      out += fmt::format("{} -l {} -d {}{}\n", here, option.name, fish_quoted(option.doc), fish_values(option));
    for (const OptionSpec& argument : command.positionals) out += here + fish_values(argument) + "\n";
  }
  return out;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  throw std::logic_error(fmt::format("no completion for {}", shell));
}

}  // namespace sparsesim::cli
