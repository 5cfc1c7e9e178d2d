#pragma once
// Which keys a query of attention sees: one row of a table per pattern.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sparsesim {

/// Keys first, first + step, ... below last.
struct KeyRun {
  std::int64_t first = 0, last = 0;
  std::int64_t step = 1;
  std::int64_t count() const { return last > first ? (last - first + step - 1) / step : 0; }
};

/// For each block of queries, the blocks of keys that it sees.
struct BlockRows {
  std::int64_t block_queries = 1, block_keys = 1;
  std::vector<std::vector<std::int32_t>> rows;  // rising block numbers
};

/// Sizes of a pattern; a row of the table says which of them it has. Lengths and positions count tokens.
struct KeyPatternSizes {
  std::int64_t window = 0;            // neighbours that a query sees: the last ones, or as many on both sides
  std::int64_t dilation = 0;          // distance between the neighbours it sees
  std::int64_t stride = 0;            // it sees every stride-th key behind its neighbourhood
  std::int64_t global = 0;            // first tokens, which everyone sees (and which see everything, if not causal)
  std::int64_t sinks = 0;             // first tokens, kept in the cache beside the window
  std::int64_t random = 0;            // blocks drawn for each block of queries
  std::int64_t block = 0;             // tokens of such a block, and of a block of a mask
  std::int64_t page = 0;              // keys that are retrieved together
  std::int64_t pages = 0;             // pages that each block of queries reads
  std::int64_t query_block = 0;       // queries that share a choice of pages
  std::int64_t documents = 0;         // packed into the sequence, cut at random places
  double density = 0;                 // share of a mask's blocks that are kept
  std::vector<std::int64_t> lengths;  // of packed documents; they add up to the sequence
  BlockRows mask;                     // from a file
};

/// The scores that a pattern is laid over. Query q stands at key position q + keys - queries; queries <= keys.
struct KeySpan {
  std::int64_t queries = 0, keys = 0;
  bool causal = true;  // a query sees no key after its own position
  std::int64_t offset() const { return keys - queries; }
};

class KeySets;

/// A pattern of attention: one row of key_patterns().
struct KeyPattern {
  std::string_view name;
  std::string_view description;  // one line, for people
  std::string_view sizes;        // of KeyPatternSizes, space separated
  bool both_ways;                // has a meaning where queries see later keys too
  /// Appends the keys that the query at `position` sees; runs may overlap unless their step is above 1. What lies
  /// outside the sequence or after a causal query is cut off later.
  void (*see)(const KeySets& sets, std::int64_t position, std::vector<KeyRun>& runs);
  /// Draws what is random, once for all queries; null: nothing is.
  void (*draw)(KeySets& sets, std::uint64_t seed);
};

/// Every pattern but the dense one, in the order in which they are listed to people.
std::span<const KeyPattern> key_patterns();
/// The row of that name, or null.
const KeyPattern* find_key_pattern(std::string_view name);
/// Whether a row has that size.
bool has_size(const KeyPattern& pattern, std::string_view size);

/// The keys of every query under one pattern.
class KeySets {
 public:
  /// Draws from `seed` what the pattern leaves to chance: equal arguments, equal sets.
  KeySets(const KeyPattern& pattern, const KeyPatternSizes& sizes, const KeySpan& span, std::uint64_t seed);
  /// Replaces `runs` by the disjoint keys that query q sees, 0 <= q < span.queries.
  void see(std::int64_t query, std::vector<KeyRun>& runs) const;
  const KeySpan& span() const { return span_; }
  const KeyPatternSizes& sizes() const { return sizes_; }
  /// Blocks of keys for each block of queries: drawn, or of a mask.
  const BlockRows& rows() const { return rows_; }
  BlockRows& rows() { return rows_; }
  /// First positions of packed documents, and the end of the last.
  const std::vector<std::int64_t>& starts() const { return starts_; }
  std::vector<std::int64_t>& starts() { return starts_; }

 private:
  const KeyPattern& pattern_;
  const KeyPatternSizes& sizes_;
  const KeySpan span_;
  BlockRows rows_;
  std::vector<std::int64_t> starts_;
};

}  // namespace sparsesim
