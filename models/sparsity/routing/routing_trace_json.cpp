#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "models/sparsity/routing/routing_trace.h"

namespace sparsesim {
namespace {

using nlohmann::json;

/// The whole number in a value, or nothing.
std::optional<std::int64_t> whole(const json& value) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1} << 62) return std::nullopt;
  if (!value.is_number_integer()) return std::nullopt;
  return value.get<std::int64_t>();
}

/// Reads a trace object by object; mistakes go to the diagnostics with their line.
class JsonReader {
 public:
  JsonReader(const std::string& file, RouteSink& sink, config::Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics), sink_(sink) {}

  void read(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++number_;
      if (line.find_first_not_of(" \t\r") != std::string_view::npos) add_line(line);
    }
    mistake(sink_.trace_problem());
  }

 private:
  bool mistake(const std::string& message, std::size_t column = 1) {
    if (!message.empty()) diagnostics_.add({file_, std::max(1, number_), static_cast<int>(column)}, message);
    return message.empty();
  }

  void add_line(std::string_view line) {
    if (static_cast<std::int64_t>(line.size()) > kMostTraceLine) {
      mistake(fmt::format("a line of {} bytes, at most {}", line.size(), kMostTraceLine));
      return;
    }
    try {
      add_object(json::parse(line.begin(), line.end()));
    } catch (const json::parse_error& error) {
      mistake("not valid JSON", std::max<std::size_t>(1, error.byte));
    }
  }

  void add_object(const json& object) {
    if (!object.is_object()) {
      mistake("a line of a trace is an object, as {\"layer\": 0, \"experts\": [[1, 5], [0, 2]]}");
      return;
    }
    const auto layer = label(object, "layer"), step = label(object, "step");
    if (!layer || !step) return;
    const RouteSink::Entered entered = sink_.enter(*layer, *step);
    mistake(entered.problem);
    if (!entered.counts) return;
    const auto experts = object.find("experts"), counts = object.find("tokens_per_expert");
    if ((experts == object.end()) == (counts == object.end()))
      mistake("an object has either experts or tokens_per_expert");
    else if (experts != object.end())
      add_tokens(*experts);
    else
      add_counts(*counts);
  }

  /// -1 where the object does not say; nothing after a mistake.
  std::optional<std::int64_t> label(const json& object, const char* key) {
    const auto entry = object.find(key);
    if (entry == object.end()) return -1;
    const auto value = whole(*entry);
    if (value && *value >= 0) return value;
    mistake(fmt::format("{} is not a number of 0 or more", key));
    return std::nullopt;
  }

  void add_tokens(const json& tokens) {
    if (!tokens.is_array()) {
      mistake("experts is a list of experts for each token");
      return;
    }
    for (const json& token : tokens) {
      sink_.next_token();
      if (!token.is_array()) {
        mistake("experts is a list of experts for each token");
        return;
      }
      for (const json& expert : token)
        if (const auto value = whole(expert); !mistake(value ? sink_.choose(*value) : "an expert is a number")) return;
      if (!mistake(sink_.token_problem())) return;
    }
  }

  void add_counts(const json& counts) {
    if (!counts.is_array()) {
      mistake("tokens_per_expert is a list of numbers");
      return;
    }
    std::int64_t expert = 0;
    for (const json& count : counts)
      if (const auto value = whole(count);
          !mistake(value ? sink_.add(expert++, *value) : "tokens_per_expert is a list of numbers"))
        return;
  }

  const std::string& file_;
  config::Diagnostics& diagnostics_;
  RouteSink& sink_;
  int number_ = 0;  // of the line, from 1
};

}  // namespace

void read_trace_jsonl(std::string_view text, const std::string& name, RouteSink& sink,
                      config::Diagnostics& diagnostics) {
  JsonReader(name, sink, diagnostics).read(text);
}

}  // namespace sparsesim
