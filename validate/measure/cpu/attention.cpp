#include "validate/measure/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "sim/core/random.h"
#include "validate/measure/cpu/bytes.h"
#include "validate/measure/cpu/rotation.h"
#include "validate/measure/cpu/row_sizes.h"
#include "validate/measure/cpu/timed_runner.h"

namespace sparsesim::measure {
namespace {

constexpr std::int64_t kMostTokens = 1 << 20, kMostHeads = 1 << 12;
constexpr std::int64_t kCheckedQueries = 256;
// Results are means of values in [-1, 1]: float sums of some thousand terms are wrong by some 1e-7.
constexpr double kAttentionTolerance = 1e-5;

int padded_width(const AttentionSizes& sizes, const AttentionKernel& kernel) {
  return static_cast<int>(round_up(sizes.head_dim, kernel.vector));
}

AttentionSizes read_attention_sizes(const PlanRow& row) {
  AttentionSizes sizes;
  sizes.batch = size_param(row, "batch", kMostHeads, 1);
  sizes.seq = size_param(row, "seq", kMostTokens);
  sizes.heads = size_param(row, "heads", kMostHeads);
  sizes.kv_heads = size_param(row, "kv_heads", kMostHeads, sizes.heads);
  sizes.head_dim = static_cast<int>(size_param(row, "head_dim", kHeadDimMost));
  sizes.causal = flag_param(row, "causal", true);
  if (sizes.heads % sizes.kv_heads != 0) throw NotHere("heads must be a multiple of kv_heads");
  return sizes;
}

/// The simulator's pattern of a row and its sizes; null for a dense one. Errors: NotHere.
std::pair<const KeyPattern*, KeyPatternSizes> read_pattern(const PlanRow& row, const AttentionSizes& sizes) {
  KeyPatternSizes pattern;
  if (row.pattern.empty() || row.pattern == "dense") return {nullptr, pattern};
  if (row.pattern == "window") {
    if (!sizes.causal) throw NotHere("a window needs causal=1");
    pattern.window = size_param(row, "window", sizes.seq);
    return {find_key_pattern("window"), pattern};
  }
  if (row.pattern != "block_mask") throw NotHere("no attention kernel for pattern " + row.pattern);
  const std::string block = row.text("block", "128");  // "128" or "128x128"
  PlanRow square = row;
  square.params["block"] = block.substr(0, block.find('x'));
  pattern.block = size_param(square, "block", kMostTokens);
  if (pattern.block % kAttentionTile != 0) throw NotHere("blocks of a mask must be multiples of 64 tokens");
  if (!row.sparsity || !(*row.sparsity >= 0 && *row.sparsity <= 1)) throw NotHere("a block mask needs its sparsity");
  pattern.density = 1 - *row.sparsity;
  return {find_key_pattern("blocks"), pattern};
}

void check_attention_row(const PlanRow& row, const CpuContext&) {
  if (row.dtype != "fp32") throw NotHere("attention is measured in fp32");
  if (row.text("phase", "prefill") != "prefill") throw NotHere("attention is measured in prefill");
  const AttentionSizes sizes = read_attention_sizes(row);
  read_pattern(row, sizes);
  const double tokens = static_cast<double>(sizes.batch) * static_cast<double>(sizes.padded());
  require_memory(8.0 * tokens * static_cast<double>(2 * sizes.heads + 2 * sizes.kv_heads) * sizes.head_dim);
}

std::string attention_key(const PlanRow& row) {
  const AttentionSizes sizes = read_attention_sizes(row);
  std::string key = "attention";
  for (const std::int64_t size : {sizes.batch, sizes.seq, sizes.heads, sizes.kv_heads,
                                  static_cast<std::int64_t>(sizes.head_dim), std::int64_t{sizes.causal}})
    key += "/" + std::to_string(size);
  return key;
}

/// What all kernels of a problem work on.
struct AttentionData {
  AttentionSizes sizes;
  AttentionKernel kernel;
  int threads;
  std::uint64_t seed;
  Rotation<AttentionOperands> operands;
};

class TiledAttention : public TimedRunner {
 public:
  TiledAttention(std::shared_ptr<AttentionData> data, const KeyPattern* pattern, const KeyPatternSizes& sizes)
      : TimedRunner("tuned:tiled"), data_(std::move(data)), mask_(data_->sizes, pattern, sizes, data_->seed) {}

  double error() override {
    const AttentionOperands& operands = data_->operands.next();
    std::fill(operands.results.begin(), operands.results.end(), std::numeric_limits<float>::quiet_NaN());
    run_attention(data_->sizes, data_->kernel, mask_, operands, data_->threads);
    return attention_error(data_->sizes, data_->kernel, mask_, operands, data_->seed);
  }

 private:
  void call() override { run_attention(data_->sizes, data_->kernel, mask_, data_->operands.next(), data_->threads); }
  std::shared_ptr<AttentionData> data_;
  AttentionMask mask_;
};

class AttentionProblem : public Problem {
 public:
  AttentionProblem(const PlanRow& row, const CpuContext& context, std::uint64_t seed) {
    const AttentionSizes sizes = read_attention_sizes(row);
    const AttentionKernel& kernel = attention_kernel(context);
    AttentionOperands operands = draw_attention(sizes, kernel, seed);
    const auto bytes = static_cast<std::size_t>(operands.bytes());
    data_ = std::make_shared<AttentionData>(
        AttentionData{sizes, kernel, context.threads, seed, {std::move(operands), bytes, context}});
  }
  std::vector<std::unique_ptr<Runner>> runners(const PlanRow& row) override {
    std::vector<std::unique_ptr<Runner>> runners;
    const auto [pattern, sizes] = read_pattern(row, data_->sizes);
    runners.push_back(std::make_unique<TiledAttention>(data_, pattern, sizes));
    return runners;
  }
  std::vector<std::unique_ptr<Runner>> baselines() override {
    std::vector<std::unique_ptr<Runner>> runners;
    runners.push_back(std::make_unique<TiledAttention>(data_, nullptr, KeyPatternSizes{}));
    return runners;
  }

 private:
  std::shared_ptr<AttentionData> data_;
};

/// Head `head` of sequence `batch`.
AttentionHead head_of(const AttentionSizes& sizes, const AttentionKernel& kernel, const AttentionOperands& operands,
                      std::int64_t head) {
  AttentionHead result;
  result.seq = sizes.seq;
  result.head_dim = sizes.head_dim;
  result.width = padded_width(sizes, kernel);
  const std::int64_t kv = head / sizes.heads * sizes.kv_heads + head % sizes.heads / (sizes.heads / sizes.kv_heads);
  result.queries = operands.queries.data() + head * sizes.seq * sizes.head_dim;
  result.results = operands.results.data() + head * sizes.seq * result.width;
  result.keys = operands.keys.data() + kv * sizes.padded() * sizes.head_dim;
  result.values = operands.values.data() + kv * sizes.padded() * result.width;
  return result;
}

/// One query in double precision: weights of the keys that it sees, times their values.
std::vector<double> reference_row(const AttentionHead& head, int panel, const AttentionMask& mask, std::int64_t query) {
  std::vector<KeyRun> runs;
  mask.see(query, runs);
  std::vector<std::pair<std::int64_t, double>> scores;
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (const KeyRun& run : runs)
    for (std::int64_t key = run.first; key < run.last; key += run.step) {
      const float* column = head.keys + key / panel * panel * head.head_dim + key % panel;
      double score = 0;
      for (int d = 0; d < head.head_dim; ++d)
        score += static_cast<double>(head.queries[query * head.head_dim + d]) * static_cast<double>(column[d * panel]);
      scores.emplace_back(key, score / std::sqrt(static_cast<double>(head.head_dim)));
      largest = std::max(largest, scores.back().second);
    }
  std::vector<double> row(static_cast<std::size_t>(head.head_dim));
  for (auto& [key, score] : scores) {
    const double weight = std::exp(score - largest);
    sum += weight;
    for (std::size_t d = 0; d < row.size(); ++d)
      row[d] += weight * static_cast<double>(head.values[key * head.width + static_cast<std::int64_t>(d)]);
  }
  for (double& value : row) value /= sum;
  return row;
}

}  // namespace

ProblemFamily attention_family() {
  return {"attention", check_attention_row, attention_key, make_problem<AttentionProblem>};
}

AttentionOperands draw_attention(const AttentionSizes& sizes, const AttentionKernel& kernel, std::uint64_t seed) {
  const std::int64_t heads = sizes.batch * sizes.heads, kv_heads = sizes.batch * sizes.kv_heads;
  const std::int64_t panel = kernel.panel, width = padded_width(sizes, kernel);
  AttentionOperands operands;
  operands.queries = Buffer<float>(static_cast<std::size_t>(heads * sizes.seq * sizes.head_dim));
  operands.keys = Buffer<float>(static_cast<std::size_t>(kv_heads * sizes.padded() * sizes.head_dim));
  operands.values = Buffer<float>(static_cast<std::size_t>(kv_heads * sizes.padded() * width));
  operands.results = Buffer<float>(static_cast<std::size_t>(heads * sizes.seq * width));
  RandomStream stream(seed, "measure/attention");
  for (float& value : operands.queries) value = static_cast<float>(stream.normal());
  for (std::int64_t head = 0; head < kv_heads; ++head)
    for (std::int64_t key = 0; key < sizes.seq; ++key) {
      float* column =
          operands.keys.data() + (head * sizes.padded() + key / panel * panel) * sizes.head_dim + key % panel;
      float* row = operands.values.data() + (head * sizes.padded() + key) * width;
      for (int d = 0; d < sizes.head_dim; ++d) {
        column[d * panel] = static_cast<float>(stream.normal());
        row[d] = static_cast<float>(stream.uniform(-1, 1));
      }
    }
  return operands;
}

AttentionMask::AttentionMask(const AttentionSizes& sizes, const KeyPattern* pattern, KeyPatternSizes pattern_sizes,
                             std::uint64_t seed)
    : sizes_(sizes), pattern_sizes_(std::move(pattern_sizes)), reach_{sizes.causal, pattern_sizes_.window} {
  const KeySpan span{sizes.seq, sizes.seq, sizes.causal};
  if (pattern) sets_ = std::make_unique<KeySets>(*pattern, pattern_sizes_, span, seed);
  for (std::int64_t block = 0; block < sizes.query_blocks(); ++block) tiles_.push_back(tiles_of(block));
}

std::vector<KeyTile> AttentionMask::tiles_of(std::int64_t block) const {
  const std::int64_t first = block * kAttentionTile, last = std::min(first + kAttentionTile, sizes_.seq) - 1;
  const auto low = [&](std::int64_t query) { return reach_.window > 0 ? query - reach_.window + 1 : 0; };
  const auto high = [&](std::int64_t query) { return reach_.causal ? query + 1 : sizes_.seq; };
  const BlockRows* mask = sets_ && !sets_->rows().rows.empty() ? &sets_->rows() : nullptr;
  std::vector<KeyTile> tiles;
  for (std::int64_t tile = std::max<std::int64_t>(0, low(first)) / kAttentionTile; tile * kAttentionTile < high(last);
       ++tile) {
    const std::int64_t key = tile * kAttentionTile;
    if (mask) {
      const auto& kept = mask->rows[static_cast<std::size_t>(first / mask->block_queries)];
      const auto number = static_cast<std::int32_t>(key / mask->block_keys);
      if (!std::binary_search(kept.begin(), kept.end(), number)) continue;
    }
    const bool whole = low(last) <= key && high(first) >= key + kAttentionTile;
    tiles.push_back({static_cast<std::int32_t>(tile), whole});
  }
  return tiles;
}

void AttentionMask::see(std::int64_t query, std::vector<KeyRun>& runs) const {
  if (sets_) return sets_->see(query, runs);
  runs = {{0, sizes_.causal ? query + 1 : sizes_.seq}};
}

void run_attention(const AttentionSizes& sizes, const AttentionKernel& kernel, const AttentionMask& mask,
                   const AttentionOperands& operands, [[maybe_unused]] int threads) {
  const std::int64_t blocks = sizes.query_blocks(), tasks = sizes.batch * sizes.heads * blocks;
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
  for (std::int64_t task = 0; task < tasks; ++task) {
    const std::int64_t block = blocks - 1 - task % blocks;  // of a causal head the longest first
    const std::int64_t first = block * kAttentionTile;
    const std::vector<KeyTile>& tiles = mask.tiles()[static_cast<std::size_t>(block)];
    kernel.attend(head_of(sizes, kernel, operands, task / blocks), mask.reach(), first,
                  static_cast<int>(std::min<std::int64_t>(kAttentionTile, sizes.seq - first)), tiles.data(),
                  static_cast<int>(tiles.size()));
  }
}

double attention_error(const AttentionSizes& sizes, const AttentionKernel& kernel, const AttentionMask& mask,
                       const AttentionOperands& operands, std::uint64_t seed) {
  const std::int64_t all = sizes.batch * sizes.heads * sizes.seq, checked = std::min(all, kCheckedQueries);
  RandomStream stream(seed, "measure/attention check");
  LargestError error(kAttentionTolerance);
  for (std::int64_t i = 0; i < checked; ++i) {
    const std::int64_t row = checked < all ? stream.below(all) : i;
    const AttentionHead head = head_of(sizes, kernel, operands, row / sizes.seq);
    const std::vector<double> reference = reference_row(head, kernel.panel, mask, row % sizes.seq);
    const float* results = head.results + row % sizes.seq * head.width;
    for (std::size_t d = 0; d < reference.size(); ++d) error.compare(static_cast<double>(results[d]), reference[d]);
  }
  return error.largest();
}

}  // namespace sparsesim::measure
