#include "sim/cli/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <filesystem>

#include "sim/config/reader.h"

namespace sparsesim::cli {
namespace {

namespace po = boost::program_options;
using Strings = std::vector<std::string>;

const OptionSpec& spec(std::string_view command, std::string_view option) {
  const CommandSpec* row = find_command(command);
  if (!row) throw std::logic_error(fmt::format("no command {}", command));
  for (const auto* list : {&row->options, &row->positionals})
    for (const OptionSpec& candidate : *list)
      if (candidate.name == option) return candidate;
  throw std::logic_error(fmt::format("{} has no option {}", command, option));
}

std::string suggestion(std::string_view word, const Strings& known, std::string_view prefix = {}) {
  const std::string near = config::nearest(word, known);
  if (!near.empty()) return fmt::format(", did you mean \"{}{}\"?", prefix, near);
  return fmt::format(" (known: {}{})", prefix, fmt::join(known, fmt::format(", {}", prefix)));
}

const CommandSpec& command_or_throw(const std::string& name) {
  if (const CommandSpec* found = find_command(name)) return *found;
  Strings known;
  for (const CommandSpec& command : commands()) known.push_back(command.name);
  throw UsageError(fmt::format("unknown command \"{}\"{}", name, suggestion(name, known)));
}

[[noreturn]] void unknown_option(const CommandSpec& command, const std::string& given) {
  const std::string bare = given.substr(std::min(given.find_first_not_of('-'), given.size()));
  Strings known;
  for (const OptionSpec& option : command.options) known.push_back(option.name);
  known.push_back("help");
  throw UsageError(fmt::format("unknown option \"{}\" of {}{}", given, command.name, suggestion(bare, known, "--")));
}

/// What a command cannot do without: " --substrate S --workload W".
std::string needed(const CommandSpec& command) {
  std::string text;
  for (const OptionSpec& argument : command.positionals) text += argument.required ? " " + argument.name : "";
  for (const OptionSpec& option : command.options)
    if (option.required) text += fmt::format(" --{} {}", option.name, option.placeholder);
  return text;
}

void blame_unknown_option(const CommandSpec& command, const Strings& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--") return;
    if (!argument.starts_with("--")) continue;
    const std::string given = argument.substr(0, argument.find('='));
    const auto known = [&](const OptionSpec& option) { return given == "--" + option.name; };
    if (std::none_of(command.options.begin(), command.options.end(), known)) unknown_option(command, given);
  }
}

po::options_description describe(const CommandSpec& command, po::positional_options_description& order) {
  po::options_description table;
  table.add_options()("help,h", "");
  for (const OptionSpec& option : command.options) {
    if (option.type == ValueType::flag) {
      table.add_options()(option.name.c_str(), "");
    } else if (option.repeatable && option.type == ValueType::file) {
      table.add_options()(option.name.c_str(), po::value<Strings>()->multitoken()->composing());
    } else {
      table.add_options()(option.name.c_str(), po::value<Strings>()->composing());
    }
  }
  for (const OptionSpec& argument : command.positionals) {
    table.add_options()(argument.name.c_str(), po::value<Strings>());
    order.add(argument.name.c_str(), argument.repeatable ? -1 : 1);
  }
  return table;
}

void check_value(const OptionSpec& option, const std::string& label, const std::string& text) {
  if (option.type == ValueType::choice &&
      std::find(option.choices.begin(), option.choices.end(), text) == option.choices.end()) {
    throw UsageError(fmt::format("{} cannot be \"{}\"{}", label, text, suggestion(text, option.choices)));
  }
  if (option.type == ValueType::integer) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (!whole || number < option.low || number > option.high) {
      throw UsageError(
          fmt::format("{} must be an integer from {} to {}, found \"{}\"", label, option.low, option.high, text));
    }
  }
  if (option.type == ValueType::directory && !text.empty() && !std::filesystem::is_directory(text))
    throw UsageError(fmt::format("{}: \"{}\" is no directory", label, text));
  if (option.type != ValueType::text && text.empty()) throw UsageError(fmt::format("{} must not be empty", label));
}

void check(const CommandSpec& command, const ParsedCommand& parsed) {
  const auto check_one = [&](const OptionSpec& option, const std::string& label) {
    const auto found = parsed.values.find(option.name);
    if (found == parsed.values.end()) {
      const std::string value = label == option.name ? "" : " " + option.placeholder;
      if (option.required) throw UsageError(fmt::format("{} needs {}{}", command.name, label, value));
      return;
    }
    if (found->second.size() > 1 && !option.repeatable)
      throw UsageError(fmt::format("{} is given more than once", label));
    if (option.type == ValueType::flag) return;
    for (const std::string& text : found->second) check_value(option, label, text);
  };
  for (const OptionSpec& option : command.options) check_one(option, "--" + option.name);
  for (const OptionSpec& argument : command.positionals) check_one(argument, argument.name);
}

ParsedCommand parse_subcommand(const CommandSpec& command, const Strings& arguments) {
  po::positional_options_description order;
  const po::options_description table = describe(command, order);
  constexpr int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  ParsedCommand parsed{command.name, {}};
  po::command_line_parser parser(arguments);
  const auto parsed_options = parser.options(table).positional(order).style(style).allow_unregistered().run();
  for (const auto& option : parsed_options.options) {
    if (option.string_key == "help") return {"help", {{"COMMAND", {command.name}}}};
    const std::string given = option.original_tokens.empty() ? option.string_key : option.original_tokens.front();
    if (option.unregistered) unknown_option(command, given.substr(0, given.find('=')));
    Strings& values = parsed.values[option.string_key];
    if (option.value.empty()) values.emplace_back();  // a flag
    values.insert(values.end(), option.value.begin(), option.value.end());
  }
  check(command, parsed);
  return parsed;
}

/// Option names that Boost decorates differently from one error to the next, as the user writes them.
std::string blamed(const po::error_with_option_name& error) { return error.get_option_name(); }

}  // namespace

std::string ParsedCommand::get(std::string_view option) const {
  const OptionSpec& row = spec(name, option);
  return find(option).value_or(row.fallback);
}

std::optional<std::string> ParsedCommand::find(std::string_view option) const {
  spec(name, option);
  const auto found = values.find(std::string(option));
  if (found == values.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> ParsedCommand::get_all(std::string_view option) const {
  const OptionSpec& row = spec(name, option);
  const auto found = values.find(std::string(option));
  if (found != values.end()) return found->second;
  return row.fallback.empty() ? Strings{} : Strings{row.fallback};
}

std::optional<std::int64_t> ParsedCommand::integer(std::string_view option) const {
  const std::string text = get(option);
  if (text.empty()) return std::nullopt;
  return std::stoll(text);
}

bool ParsedCommand::flag(std::string_view option) const {
  spec(name, option);
  return values.contains(std::string(option));
}

ParsedCommand parse_command_line(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    if (arguments.size() > 1) return {"help", {{"COMMAND", {command_or_throw(arguments[1]).name}}}};
    return {"help", {}};
  }
  if (arguments[0] == "--version") return {"version", {}};
  if (arguments[0].starts_with('-')) {
    throw UsageError(
        fmt::format("unknown option \"{}\"{}", arguments[0], " (a command comes first; see sparsesim --help)"));
  }
  const CommandSpec& command = command_or_throw(arguments[0]);
  try {
    ParsedCommand parsed = parse_subcommand(command, {arguments.begin() + 1, arguments.end()});
    if (parsed.name == "help" && parsed.find("COMMAND")) command_or_throw(parsed.get("COMMAND"));
    return parsed;
  } catch (const po::too_many_positional_options_error&) {
    blame_unknown_option(command, arguments);  // "--fromat json" leaves "json" without a name
    throw UsageError(fmt::format("{} takes {} word{} without an option, more are given: sparsesim {}{}", command.name,
                                 command.positionals.size(), command.positionals.size() == 1 ? "" : "s", command.name,
                                 needed(command)));
  } catch (const po::invalid_command_line_syntax& error) {
    const bool extra = error.kind() == po::invalid_syntax::extra_parameter;
    throw UsageError(
        fmt::format("{} of {} {}", blamed(error), command.name, extra ? "takes no value" : "needs a value"));
  } catch (const po::error& error) {
    throw UsageError(fmt::format("{}: {}", command.name, error.what()));
  }
}

}  // namespace sparsesim::cli
