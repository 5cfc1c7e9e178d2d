#include "models/ops/attention/attention_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "models/ops/limits.h"
#include "models/sparsity/formats/mask_formats.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kDocumentsMost = 1 << 16;

/// A size that a pattern may have, as a workload writes it. Without a default it must be given.
struct SizeKey {
  std::string_view name;
  std::int64_t KeyPatternSizes::*member;
  std::int64_t low, fallback;  // fallback 0: none
};
constexpr std::array<SizeKey, 11> kSizeKeys{{
    {"window", &KeyPatternSizes::window, 1, 0},
    {"dilation", &KeyPatternSizes::dilation, 1, 0},
    {"stride", &KeyPatternSizes::stride, 1, 0},
    {"global", &KeyPatternSizes::global, 1, 0},
    {"sinks", &KeyPatternSizes::sinks, 1, 4},
    {"random", &KeyPatternSizes::random, 1, 3},
    {"block", &KeyPatternSizes::block, 1, 64},
    {"page", &KeyPatternSizes::page, 1, 64},
    {"pages", &KeyPatternSizes::pages, 1, 0},
    {"query_block", &KeyPatternSizes::query_block, 1, 128},
    {"documents", &KeyPatternSizes::documents, 1, 0},
}};
/// Pages of the key cache where the pattern itself has none. Source: vLLM's default block size on GPUs.
constexpr std::int64_t kCachePage = 16;

std::vector<std::string_view> pattern_names() {
  std::vector<std::string_view> names = {"dense"};
  for (const KeyPattern& pattern : key_patterns()) names.push_back(pattern.name);
  return names;
}

bool refuse_key(config::MapReader& map, std::string_view key, const KeyPattern* pattern) {
  if (!map.has(key)) return true;
  map.mistake(key, fmt::format("pattern {} has no {}", pattern ? pattern->name : "dense", key),
              pattern ? fmt::format("it has: {}", pattern->sizes) : "");
  return false;
}

/// Documents are listed by length or drawn by number.
bool read_documents(config::MapReader& map, AttentionSize& size) {
  size.sizes.lengths = map.integers("lengths", 1, kExtentMost, kDocumentsMost);
  if (size.sizes.lengths.empty()) {
    size.sizes.documents = map.integer("documents", 1, std::min(size.keys, kDocumentsMost));
    return true;
  }
  if (map.has("documents")) {
    map.mistake("documents", "give lengths, or the number of documents, not both");
    return false;
  }
  const auto sum = std::accumulate(size.sizes.lengths.begin(), size.sizes.lengths.end(), std::int64_t{0});
  if (sum == size.keys) return true;
  map.mistake("lengths", fmt::format("the documents have {} tokens, the sequence {}", sum, size.keys));
  return false;
}

/// A mask of blocks, or of single scores, which are made blocks here.
BlockRows block_rows(const Mask& mask, const AttentionSize& size, const std::string& path) {
  const std::int64_t block = size.sizes.block;
  const std::int64_t rows = (size.queries + block - 1) / block, columns = (size.keys + block - 1) / block;
  const bool scores = mask.rows == size.queries && mask.columns == size.keys;
  if (!scores && (mask.rows != rows || mask.columns != columns))
    throw config::ConfigError(config::Mistake{
        {path, 0, 0},
        fmt::format("{} x {} places for {} x {} blocks of {} tokens", mask.rows, mask.columns, rows, columns, block),
        "",
        ""});
  const Mask blocks = scores ? coarsen(mask, block, block) : mask;
  BlockRows result{block, block, {}};
  for (std::int64_t row = 0; row < blocks.rows; ++row)
    result.rows.emplace_back(blocks.row(row).begin(), blocks.row(row).end());
  return result;
}

/// A mask beside the workload, or the share of blocks to draw.
bool read_mask_blocks(config::MapReader& map, AttentionSize& size) {
  const std::string mask = map.text("mask", "");
  if (mask.empty()) {
    size.sizes.density = 1 - map.number("sparsity", config::Range::between(0, 1));
    return true;
  }
  if (map.has("sparsity")) {
    map.mistake("sparsity", "give a mask, or the sparsity of one to draw, not both");
    return false;
  }
  try {
    const auto folder = std::filesystem::path(map.node().position().file).parent_path();
    const std::string path = (folder / mask).string();
    size.sizes.mask = block_rows(read_mask(parse_mask_name(path)), size, path);
    return true;
  } catch (const config::ConfigError& error) {
    map.mistake("mask", fmt::format("{}: {}", mask, error.brief()), error.mistakes().front().hint);
    return false;
  }
}

/// The sizes of the pattern's row; those of others are refused.
bool read_sizes(config::MapReader& map, AttentionSize& size) {
  bool good = true;
  const bool packed = size.pattern == find_key_pattern("documents");
  for (const SizeKey& key : kSizeKeys) {
    const bool cache_page = key.name == "page" && size.pattern != nullptr && size.decode();
    if (packed && key.name == "documents") continue;
    if (size.pattern == nullptr || (!has_size(*size.pattern, key.name) && !cache_page)) {
      good = refuse_key(map, key.name, size.pattern) && good;
    } else if (!has_size(*size.pattern, key.name)) {
      size.sizes.*key.member = map.integer(key.name, key.low, kExtentMost, kCachePage);
    } else {
      size.sizes.*key.member = key.fallback > 0 ? map.integer(key.name, key.low, kExtentMost, key.fallback)
                                                : map.integer(key.name, key.low, kExtentMost);
    }
  }
  good = (packed ? read_documents(map, size) : refuse_key(map, "lengths", size.pattern)) && good;
  if (size.pattern == find_key_pattern("blocks")) return read_mask_blocks(map, size) && good;
  for (const std::string_view key : {"sparsity", "mask"}) good = refuse_key(map, key, size.pattern) && good;
  return good;
}

std::optional<AttentionFault> find_pattern_fault(const AttentionSize& size) {
  const std::string name(size.pattern->name);
  if (size.queries > size.keys)
    return AttentionFault{"queries", fmt::format("{} queries cannot follow {} keys", size.queries, size.keys)};
  if (!size.causal && !size.pattern->both_ways)
    return AttentionFault{"causal", fmt::format("pattern {} needs causal: true", name)};
  if (!size.causal && size.queries != size.keys)
    return AttentionFault{"causal", fmt::format("pattern {} without causal needs as many queries as keys", name)};
  for (const SizeKey& key : kSizeKeys)
    if (key.name != "pages" && key.name != "random" && size.sizes.*key.member > size.keys)
      return AttentionFault{std::string(key.name), fmt::format("{} ({}) is larger than the sequence ({})", key.name,
                                                               size.sizes.*key.member, size.keys)};
  if (size.pattern == find_key_pattern("documents") && size.queries != size.keys)
    return AttentionFault{"queries", "packed documents have as many queries as keys"};
  return std::nullopt;
}

}  // namespace

std::optional<AttentionFault> find_attention_fault(const AttentionSize& size) {
  if (size.heads % size.kv_heads != 0)
    return AttentionFault{"kv_heads",
                          fmt::format("heads ({}) must be a multiple of kv_heads ({})", size.heads, size.kv_heads)};
  if (size.causal && size.queries > size.keys)
    return AttentionFault{"queries", fmt::format("{} queries cannot follow {} keys", size.queries, size.keys)};
  if (size.backward && size.queries != size.keys)
    return AttentionFault{"phase", "a backward pass needs as many queries as keys"};
  if (size.pattern != nullptr) return find_pattern_fault(size);
  if (size.window > size.keys)
    return AttentionFault{"window",
                          fmt::format("window ({}) is larger than the sequence ({})", size.window, size.keys)};
  if (size.window > 0 && !size.causal) return AttentionFault{"window", "a window needs causal: true"};
  return std::nullopt;
}

double most_runs(const AttentionSize& size) {
  const KeyPatternSizes& s = size.sizes;
  const double keys = static_cast<double>(size.keys);
  if (has_size(*size.pattern, "mask")) return keys / static_cast<double>(s.block);
  if (has_size(*size.pattern, "random"))
    return 2 + std::min(static_cast<double>(s.random), keys / static_cast<double>(s.block));
  if (has_size(*size.pattern, "pages"))
    return std::min(static_cast<double>(s.pages), keys / static_cast<double>(s.page)) +
           std::ceil(static_cast<double>(s.query_block) / static_cast<double>(s.page)) + 1;
  // Keys far apart are marked one by one, which is cheaper than a run.
  const double apart = static_cast<double>(std::max(s.stride, s.dilation));
  return 2 + (apart > 64 ? keys / apart / 8 : 0);
}

bool read_attention_pattern(config::MapReader& map, AttentionSize& size) {
  static constexpr std::array<std::string_view, 2> kMethods = {"skip", "mask"};
  const auto names = pattern_names();
  const std::string name = map.choice("pattern", names, map.has("window") ? "window" : "dense");
  size.pattern = find_key_pattern(name);
  size.mask_only = map.choice("method", kMethods, "skip") == "mask";
  size.index_calls = map.integer("index_calls", 1, 1 << 20, 1);
  size.kernel = map.text("kernel", "");
  const bool good = read_sizes(map, size);
  if (size.pattern == find_key_pattern("window") && !size.mask_only && size.causal) {
    size.window = size.sizes.window;  // in closed form
    size.sizes = {};
    size.pattern = nullptr;
  }
  return good;
}

}  // namespace sparsesim
