#pragma once
// What readers of config.json share: values that may be null, sizes that every transformer has.

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "models/whole/import/checkpoint.h"

namespace sparsesim {

/// JSON's null stands for a key that is absent.
bool given(config::MapReader& map, std::string_view key);
/// A size of at least 1; a fallback below 0: there is none.
std::int64_t size_of(config::MapReader& map, std::string_view key, std::int64_t fallback = -1);
/// A number of things, possibly none.
std::int64_t count_of(config::MapReader& map, std::string_view key, std::int64_t fallback);
bool flag_of(config::MapReader& map, std::string_view key, bool fallback);

void read_dtype(config::MapReader& map, Checkpoint& c);
/// Depth, width and heads, which every transformer has.
void read_body(config::MapReader& map, Checkpoint& c);
void read_head_sizes(config::MapReader& map, Checkpoint& c);
/// Vocabulary and positions of a decoder; `tied`: unless tie_word_embeddings says otherwise.
void read_words(config::MapReader& map, Checkpoint& c, bool tied);

/// Names that one value has had in the versions of a config.json, the present one first.
using KeyNames = std::initializer_list<std::string_view>;
/// Depth, width and heads under other names; each head has keys and values of its own.
void read_sizes(config::MapReader& map, Checkpoint& c, KeyNames layers, KeyNames hidden, KeyNames heads);

/// Queries of layers `first` to `last` see `window` keys.
void add_window(Checkpoint& c, std::int64_t first, std::int64_t last, std::int64_t window);
/// Some layers see `sliding_window` keys, others all: `layer_types` says which; without it each `every`-th sees all.
void read_layer_windows(config::MapReader& map, Checkpoint& c, std::int64_t every);

}  // namespace sparsesim
