#pragma once
// A YAML tree whose every value knows where it stands. The only user of libyaml is parse.cpp of this folder.

#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sparsesim::config {

/// 1-based place of a value in a file.
struct Position {
  std::string file;
  int line = 0;
  int column = 0;
};

/// One mistake of the user: where, what, and what instead.
struct Mistake {
  Position position;
  std::string message;  // "unknown key \"bandwith\" in memory.dram"
  std::string hint;     // "did you mean \"bandwidth\"? (known: bandwidth, capacity, channels)"; may be empty
  std::string excerpt;  // the source line, a long one cut around the place; empty where there is none
  int caret = 0;        // column of the place in the excerpt, from 1
};

/// All mistakes of a file, found in one pass. what() is the text to print, one block per mistake.
class ConfigError : public std::exception {
 public:
  explicit ConfigError(std::vector<Mistake> mistakes);
  explicit ConfigError(Mistake mistake) : ConfigError(std::vector<Mistake>{std::move(mistake)}) {}
  const char* what() const noexcept override { return text_.c_str(); }
  const std::vector<Mistake>& mistakes() const { return mistakes_; }
  /// The first mistake in a few words, without the file: "line 3: a tab in the indentation".
  std::string brief() const;

 private:
  std::vector<Mistake> mistakes_;
  std::string text_;
};

/// Collects mistakes; readers report here and go on with a harmless value.
class Diagnostics {
 public:
  /// `line` is the source line, for a file whose text was not given to remember_source().
  void add(Position position, std::string message, std::string hint = {}, std::string_view line = {});
  bool empty() const { return mistakes_.empty(); }
  /// Whether further mistakes are only counted.
  bool full() const { return static_cast<std::int64_t>(mistakes_.size()) >= most_kept; }
  const std::vector<Mistake>& mistakes() const { return mistakes_; }
  /// Throws ConfigError with everything reported so far, in file order; returns quietly when there is nothing.
  void throw_if_any() const;
  /// Source text by file name, so that add() can quote the line.
  void remember_source(const std::string& file, std::shared_ptr<const std::string> text);
  /// Mistakes beyond this many are counted, not kept.
  static constexpr std::int64_t most_kept = 200;

 private:
  std::vector<Mistake> mistakes_;
  std::int64_t dropped_ = 0;
  std::vector<std::pair<std::string, std::shared_ptr<const std::string>>> sources_;
};

template <class Child>
class Children;

/// A value of the tree: cheap to copy, keeps the whole document alive.
class Node {
 public:
  enum class Type { null, scalar, sequence, map };
  struct Value;
  using Entry = std::pair<const std::string&, Node>;

  Type type() const;
  /// Text of a scalar; empty otherwise.
  const std::string& scalar() const;
  /// Whether a scalar was quoted ("8" is then text, not a number).
  bool quoted() const;
  /// Items of a sequence; empty otherwise.
  Children<Node> items() const;
  /// Entries of a map in file order (duplicate keys were already reported and dropped); empty otherwise.
  Children<Entry> entries() const;
  /// Value of `key`, or nothing.
  std::optional<Node> find(std::string_view key) const;
  /// Where the key `key` of a map stands (the map's own place if there is no such key).
  Position key_position(std::string_view key) const;
  /// Where the key that holds this value stands (the value's own place for the root and for items of a sequence).
  Position key_position() const;
  Position position() const;
  /// Dotted path from the root, as "memory.dram.channels" or "ops[2].routing"; "the file" for the root.
  std::string path() const;

  explicit Node(std::shared_ptr<const Value> value) : value_(std::move(value)) {}

 private:
  std::shared_ptr<const Value> value_;
};

/// What is below a value, in file order; each child is made when it is looked at.
template <class Child>
class Children {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Child;
    using pointer = const Child*;
    using reference = Child;

    Iterator(const Children& children, std::size_t at) : children_(&children), at_(at) {}
    Child operator*() const { return (*children_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Children* children_;
    std::size_t at_;
  };

  /// None of a null.
  explicit Children(std::shared_ptr<const Node::Value> parent = nullptr) : parent_(std::move(parent)) {}
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  Child operator[](std::size_t at) const;
  Child front() const { return (*this)[0]; }
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

 private:
  std::shared_ptr<const Node::Value> parent_;
};

/// Limits that keep an untrusted file from costing much: more is a mistake, reported before memory is spent.
struct Limits {
  std::int64_t file_bytes = 4 << 20;
  int depth = 32;
  std::int64_t values = 1 << 18;  // scalars, sequences and maps together; also commas, brackets, colons and lines
};

/// Reads a YAML file. Throws ConfigError, together with all that was reported before, where nothing can be read:
/// missing file, a directory, not readable, too large, not UTF-8 text, malformed YAML, more than one document, too
/// deep, too many values. Reports to the diagnostics and goes on: anchors, aliases, tags, merge keys, duplicate keys
/// (the first one counts), keys that are no text. A file without a value (empty, or comments alone) is a map without
/// entries.
Node load_file(const std::string& path, Diagnostics& diagnostics, const Limits& limits = {});
/// The same from text; `name` stands for the file in messages.
Node load_text(std::string text, const std::string& name, Diagnostics& diagnostics, const Limits& limits = {});

/// The bytes of a regular file. Errors: as load_file(), as far as they concern the file and not what is in it.
std::string read_text_file(const std::string& path, std::int64_t bytes_max, Diagnostics& diagnostics);

}  // namespace sparsesim::config
