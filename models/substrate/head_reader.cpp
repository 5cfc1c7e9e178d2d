#include "models/substrate/head_reader.h"

#include <fmt/format.h>

#include <set>

#include "models/substrate/quantity_reader.h"
#include "models/substrate/vocabulary.h"

namespace sparsesim {
namespace {

using config::MapReader;
using config::Node;

constexpr std::size_t kMostText = 1000;  // bytes of a title or a remark
const config::Range kAnyNumber = config::Range::between(-1e300, 1e300);

std::string short_text(MapReader& map, std::string_view key, std::string_view fallback) {
  std::string text = map.text(key, fallback);
  if (text.size() > kMostText) map.mistake(key, fmt::format("{} is longer than {} bytes", key, kMostText));
  return text;
}

/// A name of small letters, digits and underscores that no other entry of the list has.
std::string own_name(MapReader& map, std::set<std::string>& known, std::string_view letters) {
  const std::string name = map.text("name");
  if (name.empty() || name.size() > 64 || name.find_first_not_of(letters) != std::string::npos)
    map.mistake("name", "name must be 1 to 64 of " + std::string(letters));
  else if (!known.insert(name).second)
    map.mistake("name", "\"" + name + "\" is there already");
  return name;
}

void read_texts(MapReader& head, std::string_view key, std::map<std::string, std::string>& into) {
  const auto node = head.map(key);
  if (!node) return;
  if (static_cast<std::int64_t>(node->entries().size()) > kMostHeadEntries)
    return head.mistake(key, fmt::format("{} has more than {} entries", key, kMostHeadEntries));
  for (const auto& [name, text] : node->entries()) {
    if (text.type() != Node::Type::scalar || text.scalar().size() > kMostText)
      head.diagnostics().add(text.position(), "expected a short text at " + text.path());
    else
      into[name] = text.scalar();
  }
}

MeasuredGranule read_granule(const Node& node, std::set<std::string>& names, const SourceTable& sources,
                             ReadContext& context) {
  MapReader map(node, context.diagnostics);
  MeasuredGranule granule;
  granule.name = own_name(map, names, "abcdefghijklmnopqrstuvwxyz0123456789_ ");
  granule.size = map.number("size", config::Range::positive());
  granule.unit = short_text(map, "unit", "");
  if (const auto cost = map.required("cost")) {
    if (auto read = read_quantity(*cost, config::Dimension::time, sources, context.diagnostics)) granule.cost = *read;
  }
  granule.remark = short_text(map, "remark", "");
  map.finish();
  return granule;
}

void read_points(const Node& node, MeasuredCurve& curve, config::Diagnostics& diagnostics) {
  const auto points = node.items();
  if (points.empty() || static_cast<std::int64_t>(points.size()) > kMostCurvePoints)
    return diagnostics.add(node.position(), fmt::format("points must be a list of 1 to {}", kMostCurvePoints));
  for (const Node& point : points) {
    const auto numbers = point.items();
    if (numbers.size() != 4) return diagnostics.add(point.position(), "a point is [x, p10, p50, p90]");
    double values[4] = {};
    for (std::size_t i = 0; i < 4; ++i) {
      const auto value =
          config::read_quantity(numbers[i], "a point's number", config::Dimension::none, kAnyNumber, diagnostics);
      if (!value) return;
      values[i] = *value;
    }
    const CurvePoint read{values[0], values[1], values[2], values[3]};
    if (!curve.points.empty() && read.x <= curve.points.back().x)
      return diagnostics.add(point.position(), "x must rise from point to point");
    if (read.p10 > read.p50 || read.p50 > read.p90)
      return diagnostics.add(point.position(), "a point needs p10 <= p50 <= p90");
    curve.points.push_back(read);
  }
}

MeasuredCurve read_curve(const Node& node, std::set<std::string>& names, ReadContext& context) {
  MapReader map(node, context.diagnostics);
  MeasuredCurve curve;
  curve.name = own_name(map, names, "abcdefghijklmnopqrstuvwxyz0123456789_");
  curve.title = short_text(map, "title", "");
  curve.x_unit = short_text(map, "x", "");
  curve.y_unit = short_text(map, "y", "");
  if (const auto points = map.required("points")) read_points(*points, curve, context.diagnostics);
  map.finish();
  return curve;
}

bool is_date(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (std::size_t i = 0; i < 10; ++i)
    if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9')) return false;
  const int month = std::stoi(text.substr(5, 2)), day = std::stoi(text.substr(8, 2));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

void dump_texts(const char* key, const std::map<std::string, std::string>& texts, std::string& out) {
  if (!texts.empty()) out += fmt::format("  {}:\n", key);
  for (const auto& [name, text] : texts) out += fmt::format("    {}: {}\n", quoted(name), quoted(text));
}

}  // namespace

void read_head(const Node& node, const SourceTable& sources, ReadContext& context) {
  MapReader map(node, context.diagnostics);
  MeasuredHead head;
  head.backend = map.choice("backend", kBackendNames);
  head.device = short_text(map, "device", "");
  head.date = map.text("date");
  if (map.has("date") && !is_date(head.date)) map.mistake("date", "date must be YYYY-MM-DD");
  head.clock = short_text(map, "clock", "");
  read_texts(map, "versions", head.versions);
  read_texts(map, "missing", head.missing);
  std::set<std::string> granules, curves;
  for (const Node& item : map.maps("granules", kMostHeadEntries))
    head.granules.push_back(read_granule(item, granules, sources, context));
  for (const Node& item : map.maps("curves", kMostHeadEntries))
    head.curves.push_back(read_curve(item, curves, context));
  map.finish();
  context.substrate.fingerprint = std::move(head);
}

std::string dump_head(const MeasuredHead& head, const std::function<std::string(const Quantity&)>& flow_time) {
  if (!head.given()) return {};
  std::string out = fmt::format("fingerprint:\n  backend: {}\n  date: {}\n", head.backend, quoted(head.date));
  // An empty text is no text: its key is left out.
  const auto text = [&out](const char* before, const std::string& value, const char* after) {
    if (!value.empty()) out += before + quoted(value) + after;
  };
  text("  device: ", head.device, "\n");
  text("  clock: ", head.clock, "\n");
  dump_texts("versions", head.versions, out);
  dump_texts("missing", head.missing, out);
  if (!head.granules.empty()) out += "  granules:\n";
  for (const MeasuredGranule& g : head.granules) {
    out += fmt::format("    - {{name: {}, size: {}", quoted(g.name), config::format_number(g.size));
    text(", unit: ", g.unit, "");
    out += ",\n       cost: " + flow_time(g.cost);
    text(",\n       remark: ", g.remark, "");
    out += "}\n";
  }
  if (!head.curves.empty()) out += "  curves:\n";
  for (const MeasuredCurve& c : head.curves) {
    out += "    - name: " + quoted(c.name) + "\n";
    text("      title: ", c.title, "\n");
    text("      x: ", c.x_unit, "\n");
    text("      y: ", c.y_unit, "\n");
    out += "      points:  # x, p10, p50, p90\n";
    for (const CurvePoint& p : c.points)
      out += fmt::format("        - [{}, {}, {}, {}]\n", config::format_number(p.x), config::format_number(p.p10),
                         config::format_number(p.p50), config::format_number(p.p90));
  }
  return out;
}

}  // namespace sparsesim
