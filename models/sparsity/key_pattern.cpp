#include "models/sparsity/key_pattern.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "sim/core/counts.h"
#include "sim/core/random.h"

namespace sparsesim {
namespace {

using Runs = std::vector<KeyRun>;

// The last `window` keys, or as many around the query.
KeyRun neighbours(const KeySets& sets, std::int64_t position) {
  const std::int64_t window = sets.sizes().window;
  const std::int64_t first = sets.span().causal ? position - window + 1 : position - window / 2;
  return {first, first + window};
}

void see_window(const KeySets& sets, std::int64_t position, Runs& runs) { runs.push_back(neighbours(sets, position)); }

// Source: Beltagy et al., Longformer, arXiv 2004.05150, section 3.1.
void see_global(const KeySets& sets, std::int64_t position, Runs& runs) {
  const std::int64_t global = sets.sizes().global;
  runs.push_back(position < global ? KeyRun{0, sets.span().keys} : KeyRun{0, global});
  runs.push_back(neighbours(sets, position));
}

// Source: Longformer, section 3.1 (dilated sliding window).
void see_dilated(const KeySets& sets, std::int64_t position, Runs& runs) {
  const std::int64_t step = sets.sizes().dilation, window = sets.sizes().window, keys = sets.span().keys;
  const std::int64_t before = sets.span().causal ? window - 1 : window / 2;
  const std::int64_t first = position - step * std::min(before, position / step);
  const std::int64_t after = std::min(window - 1 - before, (keys - 1 - position) / step);
  runs.push_back({first, position + step * after + 1, step});
}

// Source: Child et al., Sparse Transformers, arXiv 1904.10509, section 4.3 (strided).
void see_strided(const KeySets& sets, std::int64_t position, Runs& runs) {
  const std::int64_t stride = sets.sizes().stride;
  runs.push_back({position - stride, position + 1});
  if (position >= 2 * stride) runs.push_back({position % stride, position - 2 * stride + 1, stride});
}

void see_blocks(const KeySets& sets, std::int64_t position, Runs& runs) {
  const BlockRows& rows = sets.rows();
  const std::int64_t query = position - sets.span().offset();
  for (const std::int32_t block : rows.rows[static_cast<std::size_t>(query / rows.block_queries)])
    runs.push_back({block * rows.block_keys, (block + 1) * rows.block_keys});
}

// Source: Zaheer et al., Big Bird, arXiv 2007.14062, section 2.
void see_bigbird(const KeySets& sets, std::int64_t position, Runs& runs) {
  see_global(sets, position, runs);
  see_blocks(sets, position, runs);
}

void see_documents(const KeySets& sets, std::int64_t position, Runs& runs) {
  const auto& starts = sets.starts();
  const auto end = std::upper_bound(starts.begin(), starts.end(), position);
  runs.push_back({*(end - 1), *end});
}

// Source: Xiao et al., StreamingLLM, arXiv 2309.17453.
void see_sinks(const KeySets& sets, std::int64_t position, Runs& runs) {
  runs.push_back({0, sets.sizes().sinks});
  runs.push_back(neighbours(sets, position));
}

// `count` different numbers of [0, below), rising; all where there are fewer. Appends to `chosen`. Few are drawn by
// Floyd's algorithm, many by walking all of them (Knuth's algorithm S).
void choose(std::int64_t count, std::int64_t below, RandomStream& stream, std::vector<std::int32_t>& chosen) {
  if (count > below / 8) {
    std::int64_t wanted = std::min(count, below);
    for (std::int64_t number = 0; wanted > 0; ++number) {
      if (stream.below(below - number) >= wanted) continue;
      chosen.push_back(static_cast<std::int32_t>(number));
      --wanted;
    }
    return;
  }
  const auto begin = static_cast<std::ptrdiff_t>(chosen.size());
  for (std::int64_t top = std::max<std::int64_t>(0, below - count); top < below; ++top) {
    const auto drawn = static_cast<std::int32_t>(stream.below(top + 1));
    const auto place = std::lower_bound(chosen.begin() + begin, chosen.end(), drawn);
    if (place == chosen.end() || *place != drawn)
      chosen.insert(place, drawn);
    else
      chosen.push_back(static_cast<std::int32_t>(top));
  }
}

// Blocks of queries, and the position of the first and the last query of block `row`.
struct QueryBlocks {
  const KeySpan& span;
  std::int64_t size;
  std::int64_t count() const { return ceil_div(span.queries, size); }
  std::int64_t first(std::int64_t row) const { return row * size + span.offset(); }
  std::int64_t last(std::int64_t row) const { return std::min(span.queries, (row + 1) * size) - 1 + span.offset(); }
};

// Random blocks that neither the window nor the global tokens cover.
void draw_bigbird(KeySets& sets, std::uint64_t seed) {
  const KeyPatternSizes& sizes = sets.sizes();
  const QueryBlocks blocks{sets.span(), sizes.block};
  sets.rows() = {sizes.block, sizes.block, {}};
  RandomStream stream(seed, "attention/bigbird");
  const std::int64_t global = ceil_div(sizes.global, sizes.block), all = ceil_div(sets.span().keys, sizes.block);
  for (std::int64_t row = 0; row < blocks.count(); ++row) {
    const KeyRun low = neighbours(sets, blocks.first(row)), high = neighbours(sets, blocks.last(row));
    const std::int64_t near = std::max(global, low.first / sizes.block);
    const std::int64_t far = std::max(near, ceil_div(high.last, sizes.block));
    const std::int64_t before = std::max<std::int64_t>(0, near - global);
    const std::int64_t after = sets.span().causal ? 0 : std::max<std::int64_t>(0, all - far);
    std::vector<std::int32_t>& chosen = sets.rows().rows.emplace_back();
    choose(sizes.random, before + after, stream, chosen);
    for (std::int32_t& block : chosen) block += static_cast<std::int32_t>(block < before ? global : far - before);
    std::sort(chosen.begin(), chosen.end());
  }
}

// The pages of the queries themselves, the rest of the budget among earlier ones. Sources: Tang et al., Quest,
// arXiv 2406.10774; Yuan et al., NSA, arXiv 2502.11089.
void draw_retrieved(KeySets& sets, std::uint64_t seed) {
  const KeyPatternSizes& sizes = sets.sizes();
  const QueryBlocks blocks{sets.span(), sizes.query_block};
  sets.rows() = {sizes.query_block, sizes.page, {}};
  RandomStream stream(seed, "attention/retrieved");
  for (std::int64_t row = 0; row < blocks.count(); ++row) {
    const std::int64_t own = blocks.first(row) / sizes.page, last = blocks.last(row) / sizes.page;
    std::vector<std::int32_t>& chosen = sets.rows().rows.emplace_back();
    choose(std::max<std::int64_t>(0, sizes.pages - (last - own + 1)), own, stream, chosen);
    std::sort(chosen.begin(), chosen.end());
    for (std::int64_t page = own; page <= last; ++page) chosen.push_back(static_cast<std::int32_t>(page));
  }
}

// A mask from a file, or each block kept by chance; a causal query's own block is always kept.
void draw_blocks(KeySets& sets, std::uint64_t seed) {
  const KeyPatternSizes& sizes = sets.sizes();
  if (!sizes.mask.rows.empty()) {
    sets.rows() = sizes.mask;
    return;
  }
  const QueryBlocks blocks{sets.span(), sizes.block};
  sets.rows() = {sizes.block, sizes.block, {}};
  RandomStream stream(seed, "attention/blocks");
  const std::int64_t all = ceil_div(sets.span().keys, sizes.block);
  for (std::int64_t row = 0; row < blocks.count(); ++row) {
    const std::int64_t own = blocks.first(row) / sizes.block, last = blocks.last(row) / sizes.block;
    std::vector<std::int32_t>& chosen = sets.rows().rows.emplace_back();
    for (std::int64_t block = 0; block < (sets.span().causal ? last + 1 : all); ++block)
      if (stream.chance(sizes.density) || (block >= own && block <= last))
        chosen.push_back(static_cast<std::int32_t>(block));
  }
}

void draw_documents(KeySets& sets, std::uint64_t seed) {
  const KeyPatternSizes& sizes = sets.sizes();
  std::vector<std::int64_t>& starts = sets.starts();
  starts = {0};
  if (sizes.lengths.empty()) {
    RandomStream stream(seed, "attention/documents");
    std::vector<std::int32_t> cuts;
    choose(sizes.documents - 1, sets.span().keys - 1, stream, cuts);
    std::sort(cuts.begin(), cuts.end());
    for (const std::int32_t cut : cuts) starts.push_back(cut + 1);
    starts.push_back(sets.span().keys);
  } else {
    for (const std::int64_t length : sizes.lengths) starts.push_back(starts.back() + length);
  }
}

constexpr std::array<KeyPattern, 9> kTable{{
    {"window", "the last keys", "window", true, see_window, nullptr},
    {"global", "a window, and first tokens that everyone sees", "window global", true, see_global, nullptr},
    {"sinks", "a window, and first tokens that stay in the cache", "window sinks", false, see_sinks, nullptr},
    {"dilated", "a window with gaps: every dilation-th key", "window dilation", true, see_dilated, nullptr},
    {"strided", "the last stride keys, and every stride-th before", "stride", false, see_strided, nullptr},
    {"bigbird", "a window, global tokens and random blocks", "window global random block", true, see_bigbird,
     draw_bigbird},
    {"documents", "documents packed into one sequence, each its own", "lengths documents", true, see_documents,
     draw_documents},
    {"retrieved", "the pages of keys that an index finds for each block of queries", "page pages query_block", false,
     see_blocks, draw_retrieved},
    {"blocks", "any blocks of scores: a mask from a file, or drawn", "block sparsity mask", true, see_blocks,
     draw_blocks},
}};

// Sorts runs of neighbouring keys and joins those that touch; runs with gaps are disjoint from all others already.
void join(Runs& runs) {
  std::sort(runs.begin(), runs.end(), [](const KeyRun& a, const KeyRun& b) { return a.first < b.first; });
  std::size_t kept = 0;
  for (const KeyRun& run : runs) {
    if (run.count() == 0) continue;
    KeyRun* before = kept > 0 ? &runs[kept - 1] : nullptr;
    if (before && before->step == 1 && run.step == 1 && run.first <= before->last)
      before->last = std::max(before->last, run.last);
    else
      runs[kept++] = run;
  }
  runs.resize(kept);
}

}  // namespace

std::span<const KeyPattern> key_patterns() { return kTable; }

const KeyPattern* find_key_pattern(std::string_view name) {
  for (const KeyPattern& pattern : kTable)
    if (pattern.name == name) return &pattern;
  return nullptr;
}

bool has_size(const KeyPattern& pattern, std::string_view size) {
  for (std::string_view rest = pattern.sizes; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == size) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

KeySets::KeySets(const KeyPattern& pattern, const KeyPatternSizes& sizes, const KeySpan& span, std::uint64_t seed)
    : pattern_(pattern), sizes_(sizes), span_(span) {
  if (pattern.draw != nullptr) pattern.draw(*this, seed);
}

void KeySets::see(std::int64_t query, std::vector<KeyRun>& runs) const {
  runs.clear();
  const std::int64_t position = query + span_.offset();
  pattern_.see(*this, position, runs);
  const std::int64_t end = span_.causal ? position + 1 : span_.keys;
  for (KeyRun& run : runs) {
    if (run.step == 1) run.first = std::max<std::int64_t>(0, run.first);
    run.last = std::min(run.last, end);
  }
  join(runs);
}

}  // namespace sparsesim
