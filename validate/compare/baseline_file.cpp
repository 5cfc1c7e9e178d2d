// Reads an earlier run: the JSON of docs/measurements.md.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/config/node.h"
#include "validate/compare/baseline.h"

namespace sparsesim {

namespace {

using nlohmann::json;

constexpr std::int64_t kBaselineBytesMax = 16 << 20;
constexpr int kDepthMax = 16;

[[noreturn]] void fail(const std::string& name, std::string message, int line = 0, int column = 0) {
  throw config::ConfigError(config::Mistake{{name, line, column}, std::move(message), "", ""});
}

[[noreturn]] void fail_at(const std::string& name, const std::string& text, std::size_t byte, std::string message) {
  const std::size_t end = std::min(byte > 0 ? byte - 1 : 0, text.size());
  const auto start = text.rfind('\n', end > 0 ? end - 1 : 0);
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
  const std::size_t first = end == 0 || start == std::string::npos || start >= end ? 0 : start + 1;
  fail(name, std::move(message), static_cast<int>(line), static_cast<int>(end - first + 1));
}

json parse(const std::string& text, const std::string& name) {
  const auto limit_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > kDepthMax) fail(name, fmt::format("nested deeper than {} levels", kDepthMax));
    return true;
  };
  try {
    return json::parse(text, limit_depth);
  } catch (const json::parse_error& error) {
    fail_at(name, text, error.byte, "this is no JSON");
  } catch (const json::exception&) {
    fail(name, "a number is out of range");
  }
}

/// Reads one row; `where` names it in messages.
class BaselineRowReader {
 public:
  BaselineRowReader(const json& row, const std::string& file, std::string where)
      : row_(row), file_(file), where_(std::move(where)) {
    if (!row.is_object()) fail(file_, where_ + " is no object");
  }
  std::string text(const char* key) const {
    const auto found = row_.find(key);
    if (found == row_.end() || !found->is_string()) fail(file_, fmt::format("{} has no text \"{}\"", where_, key));
    return found->get<std::string>();
  }
  /// A positive number; nothing for null and for a missing key.
  std::optional<double> number(const char* key) const {
    const auto found = row_.find(key);
    if (found == row_.end() || found->is_null()) return std::nullopt;
    if (!found->is_number() || !(found->get<double>() > 0))
      fail(file_, fmt::format("{}: \"{}\" is no positive number", where_, key));
    return found->get<double>();
  }

 private:
  const json& row_;
  const std::string& file_;
  std::string where_;
};

BaselineRow row_of(const BaselineRowReader& reader) {
  return {reader.text("id"),
          reader.text("file"),
          reader.text("device"),
          reader.text("op"),
          reader.text("pattern"),
          reader.number("predicted_us"),
          reader.number("measured_us"),
          reader.number("predicted_speedup"),
          reader.number("measured_speedup")};
}

std::string text_or_unknown(const json& root, const char* key) {
  const auto provenance = root.find("provenance");
  if (provenance == root.end() || !provenance->is_object()) return "unknown";
  const auto found = provenance->find(key);
  return found != provenance->end() && found->is_string() ? found->get<std::string>() : "unknown";
}

}  // namespace

Baseline read_baseline_text(const std::string& text, const std::string& name) {
  const json root = parse(text, name);
  const auto rows = root.is_object() ? root.find("rows") : root.end();
  if (!root.is_object() || rows == root.end() || !rows->is_array())
    fail(name, "this is no result of `sparsesim validate --format json`: it has no list of \"rows\"");
  Baseline out;
  out.name = name.substr(name.find_last_of('/') + 1);
  out.version = text_or_unknown(root, "version");
  out.inputs_hash = text_or_unknown(root, "inputs_hash");
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const std::string where = fmt::format("row {}", i + 1);
    out.rows.push_back(row_of(BaselineRowReader((*rows)[i], name, where)));
    if (!seen.emplace(out.rows.back().file, out.rows.back().id).second)
      fail(name, fmt::format("{} is there twice: {} of {}", where, out.rows.back().id, out.rows.back().file));
  }
  return out;
}

Baseline read_baseline(const std::string& path) {
  config::Diagnostics diagnostics;
  const std::string text = config::read_text_file(path, kBaselineBytesMax, diagnostics);
  diagnostics.throw_if_any();
  return read_baseline_text(text, path);
}

}  // namespace sparsesim
