#include "validate/measure/cpu/experts_layer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "sim/core/random.h"
#include "validate/measure/cpu/timed_runner.h"

namespace sparsesim::measure {
namespace {

constexpr std::int64_t kTaskRows = 16;  // of a thread at a time
// Results are some hundredths to tenths: float products of some thousand terms are wrong by some 1e-7.
constexpr double kLayerTolerance = 1e-5;
// Chosen experts' logits stand out by this: the softmax is neither even nor a single one.
constexpr double kChosen = 4;

std::size_t count(std::int64_t rows, std::int64_t columns) { return static_cast<std::size_t>(rows * columns); }

/// Calls work(first, last) for pieces of [0, rows).
template <class Work>
void for_rows(std::int64_t rows, [[maybe_unused]] int threads, const Work& work) {
  const std::int64_t pieces = (rows + kTaskRows - 1) / kTaskRows;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (std::int64_t piece = 0; piece < pieces; ++piece)
    work(piece * kTaskRows, std::min(rows, (piece + 1) * kTaskRows));
}

/// Random elements with the variance 1 / inputs.
void draw_weights(Buffer<float>& weights, std::int64_t inputs, RandomStream& stream) {
  const double scale = std::sqrt(3 / static_cast<double>(inputs));
  for (float& weight : weights) weight = static_cast<float>(stream.uniform(-scale, scale));
}

DenseShape wide_shape(std::int64_t m, std::int64_t n, std::int64_t k) {
  DenseShape shape;
  shape.m = m;
  shape.n = n;
  shape.k = k;
  shape.fixed = Fixed::right;
  return shape;
}

std::int64_t mean_rows(const LayerSizes& sizes) { return sizes.slots() / sizes.experts; }

double activation(const LayerSizes& sizes, const std::vector<double>& between, std::int64_t i) {
  const double gate = between[static_cast<std::size_t>(i)];
  if (!sizes.gated) return gate > 0 ? gate * gate : 0;
  return gate / (1 + std::exp(-gate)) * between[static_cast<std::size_t>(sizes.intermediate + i)];
}

/// results += share * one expert's output for one token.
void add_expert(const LayerSizes& sizes, const LayerOperands& operands, std::int64_t token, std::int64_t expert,
                double share, std::vector<double>& results) {
  std::vector<double> between(static_cast<std::size_t>(sizes.up_width()));
  const float* weights = operands.up.data() + expert * sizes.hidden * sizes.up_width();
  for (std::int64_t k = 0; k < sizes.hidden; ++k) {
    const auto x = static_cast<double>(operands.tokens[count(token, sizes.hidden) + static_cast<std::size_t>(k)]);
    for (double& sum : between) sum += x * static_cast<double>(*weights++);
  }
  weights = operands.down.data() + expert * sizes.intermediate * sizes.hidden;
  for (std::int64_t i = 0; i < sizes.intermediate; ++i) {
    const double x = share * activation(sizes, between, i);
    for (double& sum : results) sum += x * static_cast<double>(*weights++);
  }
}

/// Shares of the softmax of one token's logits, [experts].
std::vector<double> softmax(const LayerSizes& sizes, const LayerOperands& operands, std::int64_t token) {
  std::vector<double> shares;
  for (std::int64_t expert = 0; expert < sizes.experts; ++expert)
    shares.push_back(
        std::exp(static_cast<double>(operands.logits[count(token, sizes.experts) + static_cast<std::size_t>(expert)])));
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  return shares;
}

}  // namespace

LayerOperands draw_layer(const LayerSizes& sizes, std::uint64_t seed) {
  LayerOperands operands;
  operands.tokens = Buffer<float>(count(sizes.tokens, sizes.hidden));
  operands.logits = Buffer<float>(count(sizes.tokens, sizes.experts));
  operands.up = Buffer<float>(count(sizes.experts * sizes.hidden, sizes.up_width()));
  operands.down = Buffer<float>(count(sizes.experts * sizes.intermediate, sizes.hidden));
  RandomStream stream(seed, "measure/expert layer");
  for (float& element : operands.tokens) element = static_cast<float>(stream.uniform(-1, 1));
  for (float& logit : operands.logits) logit = static_cast<float>(stream.uniform(-1, 1));
  draw_weights(operands.up, sizes.hidden, stream);
  draw_weights(operands.down, sizes.intermediate, stream);
  // Choices are dealt out expert by expert: no expert has more than there are tokens, so none meets a token twice.
  const auto counts = draw_counts(sizes.routing, sizes.tokens, sizes.experts, sizes.top_k, seed);
  std::vector<std::int64_t> order(static_cast<std::size_t>(sizes.tokens));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(stream.below(static_cast<std::int64_t>(i)))]);
  std::size_t next = 0;
  for (std::size_t expert = 0; expert < counts.size(); ++expert)
    for (std::int64_t i = 0; i < counts[expert]; ++i, ++next)
      operands.logits[count(order[next % order.size()], sizes.experts) + expert] += static_cast<float>(kChosen);
  return operands;
}

void sort_by_expert(const LayerSizes& sizes, const std::vector<std::int32_t>& chosen, ExpertOrder& order) {
  order.counts.assign(static_cast<std::size_t>(sizes.experts), 0);
  order.source.resize(chosen.size());
  order.places.resize(chosen.size());
  for (const std::int32_t expert : chosen) ++order.counts[static_cast<std::size_t>(expert)];
  std::vector<std::int64_t> next(order.counts.size());
  std::exclusive_scan(order.counts.begin(), order.counts.end(), next.begin(), std::int64_t{0});
  for (std::size_t slot = 0; slot < chosen.size(); ++slot) {
    const std::int64_t place = next[static_cast<std::size_t>(chosen[slot])]++;
    order.source[static_cast<std::size_t>(place)] = static_cast<std::int64_t>(slot) / sizes.top_k;
    order.places[slot] = place;
  }
}

ExpertLayer::ExpertLayer(const std::string& library, const LayerSizes& sizes, const CpuContext& context)
    : sizes_(sizes),
      threads_(context.threads),
      kernels_(expert_kernels(context)),
      gathers_(gather_kernels(context)),
      up_(library, mean_rows(sizes), sizes.up_width(), sizes.hidden, DenseType::fp32, context),
      down_(library, mean_rows(sizes), sizes.hidden, sizes.intermediate, DenseType::fp32, context),
      chosen_(static_cast<std::size_t>(sizes.slots())),
      shares_(static_cast<std::size_t>(sizes.slots())),
      rows_(count(sizes.slots(), sizes.hidden)),
      between_(count(sizes.slots(), sizes.up_width())),
      activated_(count(sizes.slots(), sizes.intermediate)),
      by_slot_(count(sizes.slots(), sizes.hidden)) {}

Buffer<std::byte> ExpertLayer::prepare_up(const Buffer<float>& up) {
  Buffer<std::byte> prepared(static_cast<std::size_t>(sizes_.experts) * up_.expert_bytes());
  for (std::int64_t expert = 0; expert < sizes_.experts; ++expert)
    up_.prepare(up.data() + expert * sizes_.hidden * sizes_.up_width(), prepared.data(), expert);
  return prepared;
}

Buffer<std::byte> ExpertLayer::prepare_down(const Buffer<float>& down) {
  Buffer<std::byte> prepared(static_cast<std::size_t>(sizes_.experts) * down_.expert_bytes());
  for (std::int64_t expert = 0; expert < sizes_.experts; ++expert)
    down_.prepare(down.data() + expert * sizes_.intermediate * sizes_.hidden, prepared.data(), expert);
  return prepared;
}

void ExpertLayer::run(const float* tokens, const float* logits, const std::byte* up, const std::byte* down,
                      float* results) {
  for_rows(sizes_.tokens, threads_, [&](std::int64_t first, std::int64_t last) {
    kernels_.choose(logits + first * sizes_.experts, last - first, static_cast<int>(sizes_.experts),
                    static_cast<int>(sizes_.top_k), chosen_.data() + first * sizes_.top_k,
                    shares_.data() + first * sizes_.top_k);
  });
  sort_by_expert(sizes_, chosen_, order_);
  gather_tokens(tokens);
  up_.run(order_.counts, rows_.data(), up, between_.data());
  activate();
  down_.run(order_.counts, activated_.data(), down, by_slot_.data());
  add_up(results);
}

void ExpertLayer::gather_tokens(const float* tokens) {
  for_rows(sizes_.slots(), threads_, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t slot = first; slot < last; ++slot)
      std::memcpy(rows_.data() + slot * sizes_.hidden,
                  tokens + order_.source[static_cast<std::size_t>(slot)] * sizes_.hidden,
                  count(1, sizes_.hidden) * sizeof(float));
  });
}

void ExpertLayer::activate() {
  for_rows(sizes_.slots(), threads_, [&](std::int64_t first, std::int64_t last) {
    kernels_.activate(between_.data() + first * sizes_.up_width(), last - first, sizes_.intermediate, sizes_.gated,
                      activated_.data() + first * sizes_.intermediate);
  });
}

void ExpertLayer::add_up(float* results) {
  RowBags bags;
  bags.table = by_slot_.data();
  bags.dim = sizes_.hidden;
  bags.pooling = sizes_.top_k;
  bags.rows = order_.places.data();
  bags.weights = shares_.data();
  bags.sums = results;
  for_rows(sizes_.tokens, threads_, [&](std::int64_t first, std::int64_t last) { gathers_.gather(bags, first, last); });
}

WideLayer::WideLayer(const std::string& library, const LayerSizes& sizes, const CpuContext& context)
    : sizes_(sizes),
      threads_(context.threads),
      kernels_(expert_kernels(context)),
      up_(make_dense(library, wide_shape(sizes.tokens, sizes.experts * sizes.up_width(), sizes.hidden), context)),
      down_(make_dense(library, wide_shape(sizes.tokens, sizes.hidden, width()), context)),
      between_(count(sizes.tokens, sizes.experts * sizes.up_width())),
      activated_(count(sizes.tokens, width())) {}

/// [hidden, gates of all experts, then their up columns].
Buffer<std::byte> WideLayer::prepare_up(const Buffer<float>& up) {
  Buffer<float> wide(up.size());
  const std::int64_t n = sizes_.intermediate, columns = sizes_.experts * sizes_.up_width();
  for (std::int64_t expert = 0; expert < sizes_.experts; ++expert)
    for (std::int64_t k = 0; k < sizes_.hidden; ++k)
      for (std::int64_t part = 0; part < sizes_.up_width(); part += n)
        std::copy_n(up.data() + (expert * sizes_.hidden + k) * sizes_.up_width() + part, n,
                    wide.data() + k * columns + part * sizes_.experts + expert * n);
  Buffer<std::byte> prepared(up_->prepared_bytes());
  up_->prepare(wide.data(), prepared.data());
  return prepared;
}

Buffer<std::byte> WideLayer::prepare_down(const Buffer<float>& down) {
  Buffer<std::byte> prepared(down_->prepared_bytes());
  down_->prepare(down.data(), prepared.data());
  return prepared;
}

void WideLayer::run(const float* tokens, const std::byte* up, const std::byte* down, float* results) {
  up_->run(tokens, up, between_.data());
  for_rows(sizes_.tokens, threads_, [&](std::int64_t first, std::int64_t last) {
    kernels_.activate(between_.data() + first * sizes_.experts * sizes_.up_width(), last - first, width(), sizes_.gated,
                      activated_.data() + first * width());
  });
  down_->run(activated_.data(), down, results);
}

double layer_error(const LayerSizes& sizes, const LayerOperands& operands, const float* results, bool every_expert,
                   std::uint64_t seed) {
  const std::int64_t checked = std::min(sizes.tokens, (kCheckedResults + sizes.hidden - 1) / sizes.hidden);
  RandomStream stream(seed, "measure/expert layer check");
  LargestError error(kLayerTolerance * (every_expert ? std::sqrt(static_cast<double>(sizes.experts)) : 1));
  for (std::int64_t i = 0; i < checked; ++i) {
    const std::int64_t token = checked < sizes.tokens ? stream.below(sizes.tokens) : i;
    const std::vector<double> shares = softmax(sizes, operands, token);
    std::vector<std::int64_t> order(shares.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return shares[static_cast<std::size_t>(a)] > shares[static_cast<std::size_t>(b)];
    });
    if (!every_expert) order.resize(static_cast<std::size_t>(sizes.top_k));
    std::vector<double> sums(static_cast<std::size_t>(sizes.hidden));
    for (const std::int64_t expert : order)
      add_expert(sizes, operands, token, expert, every_expert ? 1 : shares[static_cast<std::size_t>(expert)], sums);
    for (std::size_t n = 0; n < sums.size(); ++n)
      error.compare(static_cast<double>(results[count(token, sizes.hidden) + n]), sums[n]);
  }
  return error.largest();
}

}  // namespace sparsesim::measure
