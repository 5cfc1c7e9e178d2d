#include "models/substrate/quantity_reader.h"

#include <array>

#include "models/substrate/vocabulary.h"
namespace sparsesim {
namespace {

using config::Dimension;
using config::MapReader;

std::optional<Dimension> dimension_of(const std::string& text) {
  for (Dimension dimension : config::dimensions())
    if (config::parse_quantity(text, dimension)) return dimension;
  return std::nullopt;
}

Provenance parse_kind(const std::string& text) {
  for (std::size_t i = 0; i < kProvenanceNames.size(); ++i)
    if (kProvenanceNames[i] == text) return static_cast<Provenance>(i);
  return Provenance::guessed;
}

void read_provenance(MapReader& map, const SourceTable& sources, Quantity& quantity) {
  quantity.kind = parse_kind(map.choice("kind", kProvenanceNames));
  if (auto source = map.required("source")) quantity.source = sources.cite(*source, map.diagnostics());
  const bool fitted = quantity.kind == Provenance::fitted;
  if (fitted) {
    quantity.fitted_to = map.text("fitted_to");
    if (map.has("fitted_to") && quantity.fitted_to.empty()) map.mistake("fitted_to", "fitted_to names no rows");
  } else if (map.has("fitted_to")) {
    map.mistake("fitted_to", "fitted_to needs kind fitted");
  }
  quantity.note = map.text("note", "");
}

void read_interval(MapReader& map, config::Range range, Quantity& quantity) {
  quantity.low = map.quantity("low", quantity.dimension, range, quantity.value);
  quantity.high = map.quantity("high", quantity.dimension, range, quantity.value);
  if (quantity.low > quantity.value) map.mistake("low", "low is above value");
  if (quantity.high < quantity.value) map.mistake("high", "high is below value");
}

/// In {..., note: one, two} YAML ends the text at the comma and reads a key "two" without value: says so.
bool report_split_text(MapReader& map) {
  for (const auto& [key, value] : map.node().entries()) {
    if (value.type() != config::Node::Type::null) continue;
    map.diagnostics().add(map.node().key_position(key), "\"" + key + "\" is no key of a number",
                          "a text with a comma needs quotes");
    return true;
  }
  return false;
}

std::optional<Quantity> read(const config::Node& node, Dimension dimension, config::Range range,
                             const SourceTable& sources, config::Diagnostics& diagnostics) {
  if (node.type() != config::Node::Type::map) {
    diagnostics.add(node.position(), "expected a map with value, kind and source at " + node.path(),
                    "write {value: ..., kind: spec, source: KEY}");
    return std::nullopt;
  }
  const std::size_t before = diagnostics.mistakes().size();
  MapReader map(node, diagnostics);
  Quantity quantity;
  quantity.dimension = dimension;
  quantity.value = map.quantity("value", dimension, range);
  read_interval(map, range, quantity);
  read_provenance(map, sources, quantity);
  if (!report_split_text(map)) map.finish();
  if (diagnostics.mistakes().size() != before) return std::nullopt;
  return quantity;
}

}  // namespace

config::Range allowed_range(Dimension dimension) {
  switch (dimension) {
    case Dimension::share:
      return config::Range::between(0.0, 1.0);
    case Dimension::time:
      return config::Range::between(0.0, 1e6);  // the engine's clock ends at 9.2e6 s
    case Dimension::cycles:
    case Dimension::energy:
    case Dimension::energy_rate:
      return config::Range::non_negative();
    case Dimension::bytes:
      return {0.0, 9e18, true};  // counts of bytes are 64-bit
    default:
      return config::Range::positive();
  }
}

std::optional<Quantity> read_quantity(const config::Node& node, Dimension dimension, const SourceTable& sources,
                                      config::Diagnostics& diagnostics) {
  return read(node, dimension, allowed_range(dimension), sources, diagnostics);
}

std::optional<Quantity> read_constant(const config::Node& node, const SourceTable& sources,
                                      config::Diagnostics& diagnostics) {
  Dimension dimension = Dimension::none;
  if (const auto value = node.find("value"); value && value->type() == config::Node::Type::scalar) {
    if (const auto found = dimension_of(value->scalar())) dimension = *found;
  }
  config::Range range = allowed_range(dimension);
  if (dimension == Dimension::none) range = config::Range::between(-1e300, 1e300);
  if (dimension == Dimension::share) range = config::Range::non_negative();
  return read(node, dimension, range, sources, diagnostics);
}

}  // namespace sparsesim
