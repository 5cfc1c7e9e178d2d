#include "models/substrate/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/substrate/head_reader.h"
#include "models/substrate/quantity_reader.h"
#include "models/substrate/substrate.h"
#include "models/substrate/vocabulary.h"

namespace sparsesim {
namespace {

using config::Dimension;

constexpr std::array kDimensionsInSchema = {Dimension::none,      Dimension::time,        Dimension::bytes,
                                            Dimension::bandwidth, Dimension::frequency,   Dimension::cycles,
                                            Dimension::per_cycle, Dimension::energy_rate, Dimension::power,
                                            Dimension::rate,      Dimension::share};

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// A JSON object built key by key; values are JSON text.
class Object {
 public:
  Object& add(std::string_view key, const std::string& json) {
    text_ += (text_.empty() ? "" : ", ") + json_text(key) + ": " + json;
    return *this;
  }
  std::string str() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

template <class List>
std::string array_of_texts(const List& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : ", ") + json_text(text);
  return "[" + out + "]";
}

std::string closed_map(const std::string& properties) {
  return Object()
      .add("type", json_text("object"))
      .add("additionalProperties", "false")
      .add("properties", properties)
      .str();
}

std::string map_of(const std::string& value_schema) {
  return Object().add("type", json_text("object")).add("additionalProperties", value_schema).str();
}

std::string list_of(const std::string& item_schema) {
  return Object().add("type", json_text("array")).add("items", item_schema).str();
}

std::string text_schema() { return Object().add("type", json_text("string")).str(); }

std::string integer_schema(int low) {
  return Object().add("type", json_text("integer")).add("minimum", std::to_string(low)).str();
}

std::string choice_schema(std::span<const std::string_view> choices) {
  return Object().add("enum", array_of_texts(choices)).str();
}

/// Units inside a regular expression; "/" and "%" need no escape there.
std::string value_schema(Dimension dimension) {
  if (dimension == Dimension::none) return Object().add("type", json_text("number")).str();
  std::string units;
  for (std::string_view unit : config::units(dimension)) units += (units.empty() ? "" : "|") + std::string(unit);
  const std::string with_unit = Object()
                                    .add("type", json_text("string"))
                                    .add("pattern", json_text("^-?[0-9][0-9.eE+-]* *(" + units + ")$"))
                                    .str();
  if (dimension != Dimension::share) return with_unit;
  return Object().add("anyOf", "[" + with_unit + ", " + value_schema(Dimension::none) + "]").str();
}

/// A number with provenance whose values obey `value`.
std::string quantity_schema(const std::string& value) {
  const std::string source = Object().add("anyOf", "[" + text_schema() + ", " + list_of(text_schema()) + "]").str();
  Object properties;
  properties.add("value", value)
      .add("kind", choice_schema(kProvenanceNames))
      .add("source", source)
      .add("low", value)
      .add("high", value)
      .add("fitted_to", text_schema())
      .add("note", text_schema());
  const std::string fitted = R"({"properties": {"kind": {"const": "fitted"}}, "required": ["kind"]})";
  return Object()
      .add("type", json_text("object"))
      .add("additionalProperties", "false")
      .add("required", R"(["value", "kind", "source"])")
      .add("properties", properties.str())
      .add("if", fitted)
      .add("then", R"({"required": ["fitted_to"]})")
      .str();
}

std::string definition_name(Dimension dimension) {
  std::string out(config::name(dimension));
  std::replace(out.begin(), out.end(), ' ', '_');
  return out;
}

std::string reference(const std::string& definition, std::string_view doc = {}) {
  Object out;
  out.add("$ref", json_text("#/$defs/" + definition));
  if (!doc.empty()) out.add("description", json_text(doc));
  return out.str();
}

/// Groups and leaves below one group, in file order.
struct Group {
  std::vector<std::pair<std::string, std::string>> leaves;
  std::vector<Group> groups;  // a pair may not hold the type that is being defined, a vector may
  std::string name;

  Group& at(const std::string& key) {
    for (Group& group : groups)
      if (group.name == key) return group;
    groups.emplace_back().name = key;
    return groups.back();
  }
  std::string properties() const {
    Object out;
    for (const auto& [leaf, schema] : leaves) out.add(leaf, schema);
    for (const Group& group : groups) out.add(group.name, closed_map(group.properties()));
    return out.str();
  }
};

void insert(Group& root, const std::string& path, std::string schema) {
  Group* group = &root;
  std::size_t begin = 0;
  for (std::size_t dot; (dot = path.find('.', begin)) != std::string::npos; begin = dot + 1)
    group = &group->at(path.substr(begin, dot - begin));
  group->leaves.emplace_back(path.substr(begin), std::move(schema));
}

/// One substrate with every dtype, so that visit() names each key that a file may have.
Substrate with_all_dtypes() {
  Substrate all;
  for (std::string_view dtype : kTensorDtypes) all.compute.pipes.tensor[std::string(dtype)];
  for (std::string_view dtype : kEnergyDtypes) all.power.per_flop[std::string(dtype)];
  return all;
}

/// How a kernel divides its work.
Object kernel_shape() {
  Object shape;
  shape.add("quality", choice_schema(kQualities))
      .add("tile", list_of(integer_schema(0)))
      .add("stages", integer_schema(1))
      .add("tasks_per_unit", integer_schema(1))
      .add("persistent", R"({"type": "boolean"})");
  return shape;
}

std::string kernel_schema() {
  Object properties = kernel_shape();
  properties.add("name", text_schema())
      .add("op", text_schema())
      .add("dtypes", list_of(text_schema()))
      .add("patterns", list_of(text_schema()))
      .add("note", text_schema())
      .add("constants", map_of(reference("constant")));
  return closed_map(properties.str());
}

void add_fabric(Group& root) {
  Object link;
  link.add("from", text_schema()).add("to", text_schema()).add("count", integer_schema(1));
  link.add("bandwidth", reference(definition_name(Dimension::bandwidth)));
  Group& fabric = root.at("fabric");
  fabric.leaves.emplace_back("name", text_schema());
  fabric.leaves.emplace_back("topology", choice_schema(kTopologies));
  fabric.leaves.emplace_back("devices", integer_schema(1));
  fabric.leaves.emplace_back("nodes", integer_schema(1));
  fabric.leaves.emplace_back("switches", integer_schema(0));
  fabric.leaves.emplace_back("note", text_schema());
  fabric.leaves.emplace_back("collectives", map_of(reference("constant")));
  fabric.leaves.emplace_back("links", list_of(closed_map(link.str())));
}

/// A closed map with the keys of `required`, a JSON list.
std::string needed_map(const Object& properties, std::string_view required) {
  return Object()
      .add("type", json_text("object"))
      .add("additionalProperties", "false")
      .add("required", std::string(required))
      .add("properties", properties.str())
      .str();
}

std::string bounded_list(const std::string& item_schema, std::int64_t least, std::int64_t most) {
  return Object()
      .add("type", json_text("array"))
      .add("minItems", std::to_string(least))
      .add("maxItems", std::to_string(most))
      .add("items", item_schema)
      .str();
}

std::string pattern_schema(std::string_view pattern) {
  return Object().add("type", json_text("string")).add("pattern", json_text(pattern)).str();
}

/// The head of a machine that was measured: docs/fingerprint.md.
std::string head_schema() {
  Object granule, curve, head;
  granule.add("name", pattern_schema("^[a-z0-9_ ]{1,64}$"))
      .add("size", R"({"type": "number", "exclusiveMinimum": 0})")
      .add("unit", text_schema())
      .add("cost", reference(definition_name(Dimension::time), "realised, of one granule"))
      .add("remark", text_schema());
  curve.add("name", pattern_schema("^[a-z0-9_]{1,64}$"))
      .add("title", text_schema())
      .add("x", text_schema())
      .add("y", text_schema())
      .add("points", bounded_list(R"({"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"}, )"
                                  R"("description": "x, then p10, p50 and p90 of y"})",
                                  1, kMostCurvePoints));
  head.add("backend", choice_schema(kBackendNames))
      .add("device", text_schema())
      .add("date", pattern_schema("^[0-9]{4}-[01][0-9]-[0-3][0-9]$"))
      .add("clock", text_schema())
      .add("versions", map_of(text_schema()))
      .add("missing", map_of(text_schema()))
      .add("granules", bounded_list(needed_map(granule, R"(["name", "size", "cost"])"), 0, kMostHeadEntries))
      .add("curves", bounded_list(needed_map(curve, R"(["name", "points"])"), 0, kMostHeadEntries));
  return needed_map(head, R"(["backend", "date"])");
}

/// `kernels` is a library of its own, or shapes and constants in place of some of the architecture's and kernels beside
/// them.
std::string kernels_schema() {
  Object keys = kernel_shape();
  keys.add("like", text_schema())
      .add("op", text_schema())
      .add("dtypes", list_of(text_schema()))
      .add("patterns", list_of(text_schema()))
      .add("note", text_schema());
  const std::string amendment = Object()
                                    .add("type", json_text("object"))
                                    .add("properties", keys.str())
                                    .add("additionalProperties", reference("constant"))
                                    .str();
  return Object().add("anyOf", "[" + list_of(kernel_schema()) + ", " + map_of(amendment) + "]").str();
}

/// `fabric` is the name of a shared file or a map: lift its group out of the tree and offer both.
void offer_fabric_name(Group& root) {
  const auto found =
      std::find_if(root.groups.begin(), root.groups.end(), [](const auto& g) { return g.name == "fabric"; });
  const std::string map = closed_map(found->properties());
  root.groups.erase(found);
  root.leaves.emplace_back("fabric", Object().add("anyOf", "[" + text_schema() + ", " + map + "]").str());
}

std::string definitions() {
  Object out;
  std::string any;
  for (Dimension dimension : kDimensionsInSchema) {
    out.add(definition_name(dimension), quantity_schema(value_schema(dimension)));
    any += (any.empty() ? "" : ", ") + value_schema(dimension);
  }
  return out.add("constant", quantity_schema(Object().add("anyOf", "[" + any + "]").str())).str();
}

}  // namespace

std::string substrate_schema() {
  Group root;
  for (const char* key : {"name", "title", "note", "base", "product", "architecture"})
    root.leaves.emplace_back(key, text_schema());
  root.leaves.emplace_back("aliases", list_of(text_schema()));
  root.leaves.emplace_back("devices", integer_schema(1));
  root.leaves.emplace_back("sources", map_of(text_schema()));
  root.leaves.emplace_back("kernels", kernels_schema());
  root.leaves.emplace_back("fingerprint", head_schema());
  add_fabric(root);
  const Substrate all = with_all_dtypes();
  visit(all, [&](const std::string& path, const Quantity&, Dimension dimension, std::string_view doc, bool) {
    insert(root, path, reference(definition_name(dimension), doc));
  });
  for (const auto& [dtype, rate] : all.compute.pipes.tensor)
    root.at("compute").at("pipes").at("tensor").at(dtype).leaves.emplace_back(
        "n_of_m", map_of(reference(definition_name(Dimension::none), "rates of further N:M patterns over dense")));
  root.at("memory").at("numa").leaves.emplace_back("placement", choice_schema(kNumaPlacements));
  offer_fabric_name(root);
  return Object()
             .add("$schema", json_text("https://json-schema.org/draft/2020-12/schema"))
             .add("title", json_text("sparsesim substrate"))
             .add("type", json_text("object"))
             .add("additionalProperties", "false")
             .add("properties", root.properties())
             .add("$defs", definitions())
             .str() +
         "\n";
}

}  // namespace sparsesim
