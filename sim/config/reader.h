#pragma once
// Typed, checked access to a map of the tree: every key is declared by reading it; what is left over is a mistake.

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim::config {

/// What a quantity measures; fixes which units are accepted and the SI base unit it is returned in.
enum class Dimension {
  none,       // plain number
  time,       // s   (ps ns us ms s)
  bytes,      // B   (B kB MB GB TB, KiB MiB GiB TiB)
  bandwidth,  // B/s (MB/s GB/s TB/s, GiB/s ...; Gb/s is bits)
  frequency,  // Hz  (Hz kHz MHz GHz)
  cycles,     // cycles ("29 cycles")
  flop_rate,  // FLOP/s (GFLOP/s TFLOP/s PFLOP/s)
  per_cycle,  // per clock ("2048 FLOP/cycle", "64 B/cycle": the numerator's unit is checked by the key's documentation
              // only)
  energy,     // J   (pJ nJ J)
  energy_rate,  // J per B or FLOP ("117 pJ/B", "0.43 pJ/FLOP")
  power,        // W
  rate,         // 1/s ("1.95 G/s", "2.27 G/s")
  share,        // 0..1, also as "87 %"
};
std::string_view name(Dimension dimension);
/// Every dimension, plain numbers first.
std::span<const Dimension> dimensions();
/// Units accepted for a dimension, for messages and the JSON Schema.
std::vector<std::string_view> units(Dimension dimension);
/// Parses "1555 GB/s" to SI base units; nothing if the text is not wholly a number with a unit of that dimension.
std::optional<double> parse_quantity(std::string_view text, Dimension dimension);
/// Writes a value with the largest unit that keeps it >= 1 ("1.555 TB/s"); parse_quantity reads it back to the same
/// double.
std::string format_quantity(double value, Dimension dimension);

/// Closed range of accepted values. Open at zero by `above`.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  static Range positive() { return {0.0, std::numeric_limits<double>::infinity(), true}; }
  static Range non_negative() { return {0.0, std::numeric_limits<double>::infinity(), false}; }
  static Range between(double low, double high) { return {low, high, false}; }
};

/// What a getter declared and what it returned: JSON Schemas and resolved dumps are made from these, not from a second
/// list.
struct Declared {
  std::string key;
  std::string_view type;  // integer number quantity boolean text choice integers numbers texts maps map node
  Dimension dimension = Dimension::none;
  bool required = false;
  Range range;
  std::vector<std::string> choices;
  /// What the getter returned, default included; text as it is, or anything else as YAML.
  struct Text {
    std::string text;
  };
  std::variant<std::string, std::int64_t, double, Text> returned;
  /// That as YAML; empty for type node.
  std::string value() const;
};

/// Reads one map. Each getter declares its key; finish() reports keys never asked for, with the nearest known one.
/// Getters with a default return it when the key is absent; those without report a missing key.
/// A wrong value is reported to the diagnostics and a harmless value (the default, or the low end of the range) is
/// returned.
class MapReader {
 public:
  /// Reports "expected a map" if `node` is none; then every getter returns harmless values.
  MapReader(Node node, Diagnostics& diagnostics);
  MapReader(const MapReader&) = delete;

  bool has(std::string_view key);
  std::optional<Node> optional(std::string_view key);
  std::optional<Node> required(std::string_view key);

  std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high);
  std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high, std::int64_t fallback);
  double number(std::string_view key, Range range);
  double number(std::string_view key, Range range, double fallback);
  double quantity(std::string_view key, Dimension dimension, Range range);
  double quantity(std::string_view key, Dimension dimension, Range range, double fallback);
  bool boolean(std::string_view key, bool fallback);
  std::string text(std::string_view key);
  std::string text(std::string_view key, std::string_view fallback);
  /// One of `known`; otherwise a mistake that names the nearest.
  std::string choice(std::string_view key, std::span<const std::string_view> known);
  std::string choice(std::string_view key, std::span<const std::string_view> known, std::string_view fallback);
  /// A list of 1 to `most` integers; empty if the key is absent (declared as optional).
  std::vector<std::int64_t> integers(std::string_view key, std::int64_t low, std::int64_t high, std::int64_t most);
  /// A list of at most `most` numbers or texts; empty if the key is absent.
  std::vector<double> numbers(std::string_view key, Range range, std::int64_t most);
  std::vector<std::string> texts(std::string_view key, std::int64_t most);
  /// Items of a list of maps, each to be read with its own MapReader; items that are no maps are reported and left out.
  std::vector<Node> maps(std::string_view key, std::int64_t most);
  /// The map at `key` for a MapReader of its own, or nothing (absent, or reported as no map).
  std::optional<Node> map(std::string_view key);

  /// Reports at the value of `key` (or at the map). A text alone is the message.
  void mistake(std::string_view key, std::string message, std::string hint = {});
  void mistake(std::string message);
  const Node& node() const { return node_; }
  Diagnostics& diagnostics() { return diagnostics_; }
  /// Every key asked for so far, in the order of asking.
  const std::vector<Declared>& declared() const { return declared_; }
  /// Reports every key that no getter asked for. Call once, last.
  void finish();

 private:
  /// Finds or makes the entry of `key`; reports a missing required key once. Returns the value, if there is one.
  std::optional<Node> declare(std::string_view key, std::string_view type, bool required) {
    return find(entry(key), type, required);
  }
  std::optional<Node> find(Declared& declared, std::string_view type, bool required);
  Declared& entry(std::string_view key);
  std::int64_t integer_or(std::string_view key, std::int64_t low, std::int64_t high, bool required,
                          std::int64_t fallback);
  double quantity_or(std::string_view key, Dimension dimension, Range range, bool required, double fallback);
  std::string text_or(std::string_view key, bool required, std::string_view fallback);
  std::string choice_or(std::string_view key, std::span<const std::string_view> known, bool required,
                        std::string_view fallback);
  std::vector<Node> list(std::string_view key, std::string_view type, std::int64_t most);

  Node node_;
  bool is_map_ = true;
  Diagnostics& diagnostics_;
  std::vector<Declared> declared_;
};

/// A double with all its digits and no more: 1, 0.1, 1e+30; YAML, JSON and parse_quantity() read it back to the same
/// value.
std::string format_number(double value);
/// `text` as a YAML scalar that reads back as this text: quoted where it must be.
std::string yaml_text(std::string_view text);
/// The value of a scalar node, or nothing after reporting what is wrong with it. `what` names it in the message; if
/// that is empty, its path does ("memory.line").
std::optional<std::int64_t> read_integer(const Node& node, std::string_view what, std::int64_t low, std::int64_t high,
                                         Diagnostics& diagnostics);
std::optional<double> read_quantity(const Node& node, std::string_view what, Dimension dimension, Range range,
                                    Diagnostics& diagnostics);

/// The entry of `known` nearest to `word` by edit distance; empty if none is close enough to be a likely typo.
std::string nearest(std::string_view word, std::span<const std::string_view> known);
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace sparsesim::config
