// Attention: dense, with a window, with a mask of blocks.

#include <algorithm>
#include <charconv>

#include "validate/measure/cuda/attention_tiles.h"
#include "validate/measure/cuda/families.h"
#include "validate/measure/cuda/graph_runner.h"
#include "validate/measure/cuda/operand_kernels.h"
#include "validate/measure/cuda/worst.h"

namespace sparsesim::measure {
namespace {

constexpr std::int32_t kCheckedQueries = 96;
constexpr float kQueryScale = 4;  // scores spread over several units: weights differ

struct AttentionSizes {
  std::int64_t batch, seq, heads, kv_heads, head_dim, window;
  bool causal;
};

AttentionSizes attention_sizes(const PlanRow& row) {
  const std::int64_t heads = row.integer("heads", 0);
  const bool causal = row.text("causal", "1") != "0" && row.text("causal", "1") != "false";
  return {row.integer("batch", 1),
          row.integer("seq", 0),
          heads,
          row.integer("kv_heads", heads),
          row.integer("head_dim", 0),
          row.pattern == "window" ? row.integer("window", 0) : 0,
          causal};
}

/// Side of the mask's blocks: "64" or "64x64".
std::int64_t mask_block(const PlanRow& row) {
  const std::string text = row.text("block", "64");
  std::int64_t side = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), side);
  const std::string rest(end, text.data() + text.size());
  if (error != std::errc{} || (!rest.empty() && rest != "x" + std::to_string(side)) || side < kTileKeys ||
      side % kTileKeys != 0)
    throw NotHere("a mask's blocks are squares of multiples of 64");
  return side;
}

void check_attention_row(const PlanRow& row) {
  const AttentionSizes s = attention_sizes(row);
  if (row.dtype != "fp16" && row.dtype != "bf16") throw NotHere("attention is measured in fp16 and bf16");
  if (row.pattern != "dense" && row.pattern != "window" && row.pattern != "block_mask")
    throw NotHere("no attention kernel for pattern " + row.pattern);
  if (row.text("phase", "prefill") != "prefill") throw NotHere("attention is measured in prefill");
  if (s.head_dim != 64 && s.head_dim != 128) throw NotHere("attention is measured with heads of 64 and 128");
  if (s.seq < 1 || s.seq > 1 << 17 || s.heads < 1 || s.kv_heads < 1 || s.heads % s.kv_heads != 0 || s.batch < 1 ||
      s.batch > 65535 || s.heads > 65535)
    throw NotHere("attention needs seq up to 131072, and heads that are a multiple of kv_heads");
  if (row.pattern == "window" && s.window < 1) throw NotHere("a window sees at least the query itself");
  if (row.pattern == "block_mask" && (!row.sparsity || mask_block(row) < 1))
    throw NotHere("a mask of blocks says its sparsity");
}

std::string attention_key(const PlanRow& row) {
  const AttentionSizes s = attention_sizes(row);
  std::string text = row.op + " " + row.dtype + (row.pattern == "dense" ? " alone" : "") + (s.causal ? " causal" : "");
  for (const std::int64_t size : {s.batch, s.seq, s.heads, s.kv_heads, s.head_dim}) text += " " + std::to_string(size);
  return text;
}

/// Blocks kept with probability 1 - sparsity; those on the diagonal always, so that every query sees itself.
std::vector<std::uint8_t> draw_mask(std::int64_t seq, std::int64_t block, double sparsity, std::uint64_t seed) {
  const std::int64_t side = (seq + block - 1) / block;
  std::vector<std::uint8_t> kept(static_cast<std::size_t>(side * side));
  for (std::int64_t i = 0; i < side * side; ++i)
    kept[static_cast<std::size_t>(i)] =
        i / side == i % side || random_unit(seed, static_cast<std::uint64_t>(i)) >= sparsity ? 1 : 0;
  return kept;
}

/// Queries near every kind of edge, then anywhere; heads and batches anywhere.
std::vector<std::int32_t> draw_samples(const AttentionSizes& s, std::uint64_t seed) {
  const std::int64_t edges[] = {
      0, 1, 63, 64, 65, s.seq - 1, s.window - 1, s.window, s.window + 1, s.window + 63, s.window + 64};
  std::vector<std::int32_t> samples;
  for (std::int32_t i = 0; i < kCheckedQueries; ++i) {
    const auto index = static_cast<std::uint64_t>(3 * i);
    const std::int64_t edge = i < 11 ? edges[i] : random_below(seed, index, static_cast<std::uint64_t>(s.seq));
    samples.push_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(edge, 0, s.seq - 1)));
    samples.push_back(static_cast<std::int32_t>(random_below(seed, index + 1, static_cast<std::uint64_t>(s.heads))));
    samples.push_back(static_cast<std::int32_t>(random_below(seed, index + 2, static_cast<std::uint64_t>(s.batch))));
  }
  return samples;
}

class TiledAttention {
 public:
  /// `pattern` may differ from the row's: the baseline is dense.
  TiledAttention(const Device& device, const PlanRow& row, const std::string& pattern, std::uint64_t seed)
      : device_(device),
        sizes_(attention_sizes(row)),
        type_(row.dtype == "fp16" ? Type::fp16 : Type::bf16),
        operands_(device, bytes()) {
    mask_.keys = static_cast<std::int32_t>(sizes_.seq);
    mask_.causal = sizes_.causal;
    if (pattern == "window") mask_.window = static_cast<std::int32_t>(std::min(sizes_.window, sizes_.seq));
    std::vector<std::uint8_t> kept;
    if (pattern == "block_mask") {
      mask_.block = static_cast<std::int32_t>(mask_block(row));
      kept = draw_mask(sizes_.seq, mask_.block, *row.sparsity, seed + 4);
      mask_.kept = kept.data();
    }
    const TileList list = list_tiles(mask_, mask_.keys);
    offsets_ = to_device(list.offsets);
    entries_ = to_device(list.entries);
    kept_ = to_device(kept);
    mask_.kept = kept_.as<std::uint8_t>();
    samples_ = to_device(draw_samples(sizes_, seed + 5));
    check(fill_random(operands_.at(0, 0), type_, queries(), seed + 1, device.stream, kQueryScale));
    check(fill_random(operands_.at(0, 1), type_, keys(), seed + 2, device.stream));
    check(fill_random(operands_.at(0, 2), type_, keys(), seed + 3, device.stream));
    operands_.spread(device.stream);
  }

  int copies() const { return operands_.copies(); }
  void enqueue(int copy) const { check(attend(call(copy), device_.stream)); }
  void reset() const { check(cudaMemsetAsync(operands_.at(0, 3), 0xff, operands_.bytes(3), device_.stream)); }
  double error() const {
    const DeviceMemory scores(static_cast<std::size_t>(kCheckedQueries * sizes_.seq) * sizeof(float));
    const double rounding = type_ == Type::fp16 ? 0x1p-10 : 0x1p-7;
    const Worst worst(device_);
    check(compare_finite(operands_.at(0, 3), type_, queries(), worst.device_value(), device_.stream));
    check(compare_attention(call(0), samples_.as<std::int32_t>(), kCheckedQueries, scores.as<float>(), rounding,
                            worst.device_value(), device_.stream));
    return worst.value();
  }

 private:
  std::int64_t queries() const { return sizes_.batch * sizes_.seq * sizes_.heads * sizes_.head_dim; }
  std::int64_t keys() const { return sizes_.batch * sizes_.seq * sizes_.kv_heads * sizes_.head_dim; }
  std::vector<std::size_t> bytes() const {
    const auto q = static_cast<std::size_t>(queries()) * 2, k = static_cast<std::size_t>(keys()) * 2;
    return {q, k, k, q};
  }
  AttentionCall call(int copy) const {
    return {.batch = static_cast<std::int32_t>(sizes_.batch),
            .seq = static_cast<std::int32_t>(sizes_.seq),
            .heads = static_cast<std::int32_t>(sizes_.heads),
            .kv_heads = static_cast<std::int32_t>(sizes_.kv_heads),
            .head_dim = static_cast<std::int32_t>(sizes_.head_dim),
            .type = type_,
            .mask = mask_,
            .offsets = offsets_.as<std::int32_t>(),
            .entries = entries_.as<std::int32_t>(),
            .q = operands_.at(copy, 0),
            .k = operands_.at(copy, 1),
            .v = operands_.at(copy, 2),
            .out = operands_.at(copy, 3)};
  }

  const Device& device_;
  AttentionSizes sizes_;
  Type type_;
  ScoreMask mask_;
  DeviceMemory offsets_, entries_, kept_, samples_;
  Operands operands_;  // q, k, v, out
};

class Attentions : public Problem {
 public:
  Attentions(const PlanRow& row, const Device& device, std::uint64_t seed) : device_(device), row_(row), seed_(seed) {}

  std::vector<std::unique_ptr<Runner>> runners(const PlanRow& row) override { return make(row, row.pattern); }
  std::vector<std::unique_ptr<Runner>> baselines() override {
    if (row_.pattern == "dense") return {};
    return make(row_, "dense");
  }

 private:
  std::vector<std::unique_ptr<Runner>> make(const PlanRow& row, const std::string& pattern) const {
    const auto attention = std::make_shared<TiledAttention>(device_, row, pattern, seed_);
    std::vector<std::unique_ptr<Runner>> runners;
    runners.push_back(make_runner(device_, "tuned:tiled", attention));
    return runners;
  }

  const Device& device_;
  PlanRow row_;
  std::uint64_t seed_;
};

}  // namespace

extern const ProblemFamily kAttention;
const ProblemFamily kAttention = {"attention", "tuned:tiled (dense, window, block_mask)", check_attention_row,
                                  attention_key, make_problem<Attentions>};

}  // namespace sparsesim::measure
