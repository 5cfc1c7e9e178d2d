// config.json of encoders (huggingface/transformers, src/transformers/models/*/configuration_*.py).

#include <fmt/format.h>

#include <algorithm>

#include "models/whole/import/config_readers.h"
#include "models/whole/import/config_values.h"

namespace sparsesim {

using config::MapReader;

namespace {

constexpr std::int64_t kPixelsMost = 1 << 16;  // along one side: their squares are counted

/// An encoder of words: a network without gate, embeddings of words and positions, no head.
void read_word_encoder(MapReader& map, Checkpoint& c, std::string_view width) {
  c.shape.kind = ModelKind::encoder;
  c.shape.gated = false;
  c.shape.intermediate = size_of(map, width);
  const std::int64_t positions = size_of(map, "max_position_embeddings", 512);
  c.shape.embeddings = size_of(map, "vocab_size") + positions;
  c.sequence = std::min<std::int64_t>(512, positions);
}

}  // namespace

void read_bert(MapReader& map, Checkpoint& c) {
  read_body(map, c);
  read_head_sizes(map, c);
  read_word_encoder(map, c, "intermediate_size");
  c.shape.embeddings += count_of(map, "type_vocab_size", 0);
}

void read_vit(MapReader& map, Checkpoint& c) {
  read_body(map, c);
  read_head_sizes(map, c);
  c.shape.kind = ModelKind::encoder;
  c.shape.gated = false;
  c.shape.intermediate = size_of(map, "intermediate_size");
  const std::int64_t side = map.integer("image_size", 1, kPixelsMost),
                     patch = map.integer("patch_size", 1, kPixelsMost);
  if (patch > side) map.mistake("patch_size", fmt::format("patches of {} in images of {}", patch, side));
  const std::int64_t across = std::max<std::int64_t>(1, side / std::max<std::int64_t>(1, patch));
  c.sequence = across * across + 1;  // one more for the class
  c.shape.embeddings = patch * patch * size_of(map, "num_channels", 3) + c.sequence;
  const auto labels = map.optional("id2label");
  c.shape.vocabulary = labels ? static_cast<std::int64_t>(labels->entries().size()) : count_of(map, "num_labels", 0);
}

void read_distilbert(MapReader& map, Checkpoint& c) {
  read_sizes(map, c, {"n_layers"}, {"dim"}, {"n_heads"});
  read_word_encoder(map, c, "hidden_dim");
}

}  // namespace sparsesim
