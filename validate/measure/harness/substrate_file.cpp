#include "validate/measure/harness/substrate_file.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sparsesim::measure {
namespace {

std::string quantity(double value, const std::string& unit) {
  return unit.empty() ? yaml_number(value) : yaml_number(value) + " " + unit;
}

/// Splits "a.b.c" and opens the groups that are not open yet; both neighbours of a sorted list share their groups.
void add_leaf(std::vector<std::string>& open, const std::string& path, const std::string& value, std::string& out) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t dot; (dot = path.find('.', begin)) != std::string::npos; begin = dot + 1)
    parts.push_back(path.substr(begin, dot - begin));
  std::size_t common = 0;
  while (common < open.size() && common < parts.size() && open[common] == parts[common]) ++common;
  open.resize(common);
  for (; open.size() < parts.size(); open.push_back(parts[open.size()]))
    out += std::string(2 * open.size(), ' ') + parts[open.size()] + ":\n";
  out += std::string(2 * open.size(), ' ') + path.substr(begin) + ": " + value + "\n";
}

}  // namespace

std::string yaml_quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' || c == '\t' ? ' ' : c;
  }
  return out + "\"";
}

std::string yaml_number(double value) {
  char text[40];
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;  // counts and bytes as they are
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.6g", value);
  return text;
}

SubstrateFile::SubstrateFile(std::string name, std::string title, std::string base)
    : name_(std::move(name)), title_(std::move(title)), base_(std::move(base)) {}

std::string SubstrateFile::flow(const Spread& measured, const std::string& unit, const std::string& note) const {
  std::string out = "{value: " + quantity(measured.value, unit) + ", kind: measured, source: this-machine";
  if (measured.low != 0 || measured.high != 0) {
    out += ", low: " + quantity(std::min(measured.low, measured.value), unit);
    out += ", high: " + quantity(std::max(measured.high, measured.value), unit);
  }
  std::string remark = note;
  if (measured.samples > 0) {
    if (!remark.empty()) remark += "; ";
    if (measured.p50 != 0) remark += "median " + quantity(measured.p50, unit) + ", ";
    remark += std::to_string(measured.samples) + " samples in " + std::to_string(measured.visits) + " visits";
  }
  if (!remark.empty()) out += ", note: " + yaml_quoted(remark);
  return out + "}";
}

void SubstrateFile::number(const std::string& path, const Spread& measured, const std::string& unit,
                           const std::string& note) {
  numbers_[path] = flow(measured, unit, note);
}

void SubstrateFile::fact(const std::string& path, const std::string& value, const std::string& kind,
                         const std::string& note) {
  numbers_[path] = "{value: " + value + ", kind: " + kind + ", source: this-machine" +
                   (note.empty() ? "" : ", note: " + yaml_quoted(note)) + "}";
}

void SubstrateFile::kernel_constant(const std::string& kernel, const std::string& constant, const Spread& measured,
                                    const std::string& unit, const std::string& note) {
  constants_[kernel][constant] = flow(measured, unit, note);
}

void SubstrateFile::kernel_shape(const std::string& kernel, const std::string& what, const std::string& value) {
  constants_[kernel][what] = value;
}

void SubstrateFile::granule(GranuleEntry granule) { granules_.push_back(std::move(granule)); }
void SubstrateFile::curve(Curve curve) { curves_.push_back(std::move(curve)); }
void SubstrateFile::citation(std::string text) { citation_ = std::move(text); }

void SubstrateFile::version(const std::string& what, const std::string& version) {
  versions_.emplace_back(what, version);
}

void SubstrateFile::missing(const std::string& what, const std::string& why) { missing_.emplace_back(what, why); }

void SubstrateFile::head(std::string backend, std::string device, std::string date, std::string clock) {
  backend_ = std::move(backend);
  device_ = std::move(device);
  date_ = std::move(date);
  clock_ = std::move(clock);
}

std::string SubstrateFile::made_citation() const {
  std::string out = "sparsesim fingerprint --backend " + backend_ + " on " + device_ + ", " + date_;
  for (const auto& [what, version] : versions_) out += ", " + what + " " + version;
  return clock_.empty() ? out : out + "; clock: " + clock_;
}

std::string SubstrateFile::head_text() const {
  std::string out = "fingerprint:\n  backend: " + backend_ + "\n  date: " + yaml_quoted(date_) + "\n";
  // An empty text is no text: its key is left out.
  const auto text = [&out](const char* before, const std::string& value, const char* after) {
    if (!value.empty()) out += before + yaml_quoted(value) + after;
  };
  const auto pairs = [&](const char* key, const std::vector<std::pair<std::string, std::string>>& entries) {
    if (!entries.empty()) out += std::string("  ") + key + ":\n";
    for (const auto& [name, value] : entries) out += "    " + yaml_quoted(name) + ": " + yaml_quoted(value) + "\n";
  };
  text("  device: ", device_, "\n");
  text("  clock: ", clock_, "\n");
  pairs("versions", versions_);
  pairs("missing", missing_);
  if (!granules_.empty()) out += "  granules:\n";
  for (const GranuleEntry& g : granules_) {
    const Spread ns = {g.cost.value * 1e9, g.cost.low * 1e9, g.cost.high * 1e9,
                       g.cost.p50 * 1e9,   g.cost.samples,   g.cost.visits};
    out += "    - {name: " + yaml_quoted(g.name) + ", size: " + yaml_number(g.size);
    text(", unit: ", g.unit, "");
    out += ",\n       cost: " + flow(ns, "ns", "");
    text(",\n       remark: ", g.remark, "");
    out += "}\n";
  }
  if (!curves_.empty()) out += "  curves:\n";
  for (const Curve& c : curves_) {
    out += "    - name: " + c.name + "\n";
    text("      title: ", c.title, "\n");
    text("      x: ", c.x_unit, "\n");
    text("      y: ", c.y_unit, "\n");
    out += "      points:  # x, p10, p50, p90\n";
    for (const CurveEntry& p : c.points)
      out += "        - [" + yaml_number(p.x) + ", " + yaml_number(p.p10) + ", " + yaml_number(p.p50) + ", " +
             yaml_number(p.p90) + "]\n";
  }
  return out;
}

std::string SubstrateFile::text() const {
  std::string out = "name: " + yaml_quoted(name_) + "\n";
  if (!title_.empty()) out += "title: " + yaml_quoted(title_) + "\n";
  if (!base_.empty()) out += "base: " + yaml_quoted(base_) + "\n";
  if (!backend_.empty()) out += head_text();
  std::vector<std::string> open;
  for (const auto& [path, value] : numbers_) add_leaf(open, path, value, out);
  if (!constants_.empty()) out += "kernels:\n";
  for (const auto& [kernel, constants] : constants_) {
    out += "  " + yaml_quoted(kernel) + ":\n";
    for (const auto& [constant, value] : constants) out += "    " + constant + ": " + value + "\n";
  }
  return out + "sources:\n  this-machine: " + yaml_quoted(citation_.empty() ? made_citation() : citation_) + "\n";
}

}  // namespace sparsesim::measure
