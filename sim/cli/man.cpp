#include "sim/cli/man.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/cli/options.h"

namespace sparsesim::cli {
namespace {

/// Text that roff prints as it stands: no escapes, no request at the start of a line.
std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return !out.empty() && (out[0] == '.' || out[0] == '\'') ? "\\&" + out : out;
}

std::string option_block(const OptionSpec& option, bool positional) {
  std::string head =
      positional ? fmt::format(".I {}", escape(option.name)) : fmt::format(".BI \\-\\-{}", escape(option.name));
  if (!positional && !option.placeholder.empty()) head += fmt::format(" \" {}\"", escape(option.placeholder));
  std::string text = option.doc;
  if (!option.choices.empty()) text += fmt::format(": {}", fmt::join(option.choices, ", "));
  if (!option.fallback.empty()) text += fmt::format(" (default {})", option.fallback);
  if (option.required) text += " (required)";
  if (option.repeatable) text += "; may be repeated";
  return fmt::format(".TP\n{}\n{}.\n", head, escape(text));
}

std::string command_block(const CommandSpec& command) {
  std::string out = fmt::format(".SS {}\n{}.\n", escape(command.name), escape(command.summary));
  if (!command.details.empty()) out += fmt::format(".PP\n{}\n", escape(command.details));
  for (const OptionSpec& argument : command.positionals) out += option_block(argument, true);
  for (const OptionSpec& option : command.options) out += option_block(option, false);
  return out;
}

}  // namespace

std::string man_page(std::string_view version) {
  std::string out = fmt::format(".TH SPARSESIM 1 \"\" \"sparsesim {}\" \"User Commands\"\n", escape(version));
  out += ".SH NAME\nsparsesim \\- predicts the realised speedup of sparse workloads on modeled accelerators\n";
  out += ".SH SYNOPSIS\n.B sparsesim\n.I COMMAND\n[OPTIONS]\n.SH COMMANDS\n";
  for (const CommandSpec& command : commands()) out += command_block(command);
  out +=
      ".SH EXIT STATUS\n.TP\n.B 0\nsuccess.\n.TP\n.B 1\nsimulation error.\n.TP\n.B 2\nbad input: command line or "
      "files.\n";
  out += ".SH EXAMPLES\n.nf\n";
  for (const CommandSpec& command : commands())
    for (const std::string& example : command.examples) out += escape(example) + "\n";
  return out + ".fi\n";
}

}  // namespace sparsesim::cli
