// Expert products and layers of processors: right results on odd sizes, rows that follow the routing's law.

#include "validate/measure/cpu/experts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "sim/core/random.h"
#include "validate/measure/cpu/experts_layer.h"

namespace sparsesim::measure {
namespace {

CpuContext expert_context() {
  CpuContext context = make_cpu_context(1);
  context.last_cache_bytes = 1 << 16;
  return context;
}

/// The kernels that this processor can run.
std::vector<ExpertKernels> expert_kernels_here() {
  const CpuContext context = make_cpu_context(1);
  std::vector<ExpertKernels> kernels = {expert_kernels_generic};
#if defined(__x86_64__)
  if (context.avx2) kernels.push_back(expert_kernels_avx2);
  if (context.avx512) kernels.push_back(expert_kernels_avx512);
#endif
  return kernels;
}

LayerSizes layer_sizes(bool gated, const std::string& routing) {
  LayerSizes sizes;
  sizes.tokens = 37;
  sizes.hidden = 50;
  sizes.intermediate = 23;
  sizes.experts = 7;
  sizes.top_k = 3;
  sizes.gated = gated;
  sizes.routing = routing;
  return sizes;
}

PlanRow expert_row(const std::string& op, std::map<std::string, std::string> params) {
  PlanRow row;
  row.op = op;
  row.m = 45;
  row.n = 24;
  row.k = 40;
  row.dtype = "fp32";
  row.pattern = "experts";
  row.params = std::move(params);
  return row;
}

/// Every kernel and baseline of a row is right, is timed, and is right again.
void check_runners(const ProblemFamily& family, const PlanRow& row) {
  const CpuContext context = expert_context();
  family.check(row, context);
  const auto problem = family.make(row, context, 11);
  auto runners = problem->runners(row);
  for (const auto& runner : runners) CHECK(runner->kernel().ends_with("_per_expert"));
  for (auto& baseline : problem->baselines()) runners.push_back(std::move(baseline));
  CHECK(runners.size() >= 2);
  for (const auto& runner : runners) {
    CAPTURE(runner->kernel());
    CHECK(runner->error() < 1);
    CHECK(runner->run(3) > 0);
    CHECK(runner->error() < 1);
  }
}

}  // namespace

TEST_CASE("the largest experts are chosen with their shares of the softmax, whatever their number") {
  for (const int experts : {1, 2, 7, 8, 9, 64, 65, 200})
    for (const ExpertKernels& kernel : expert_kernels_here()) {
      CAPTURE(experts);
      CAPTURE(std::string(kernel.instructions));
      const std::int64_t tokens = 20;
      const int top_k = std::min(experts, 4);
      std::vector<float> logits(static_cast<std::size_t>(tokens * experts)),
          shares(static_cast<std::size_t>(tokens * top_k));
      std::vector<std::int32_t> chosen(shares.size());
      RandomStream stream(3);
      for (float& logit : logits) logit = static_cast<float>(stream.normal(0, 5));
      kernel.choose(logits.data(), tokens, experts, top_k, chosen.data(), shares.data());
      for (std::int64_t token = 0; token < tokens; ++token) {
        const float* row = logits.data() + token * experts;
        double sum = 0;
        for (int i = 0; i < experts; ++i) sum += std::exp(static_cast<double>(row[i]));
        std::vector<float> sorted(row, row + experts);
        std::sort(sorted.rbegin(), sorted.rend());
        for (int slot = 0; slot < top_k; ++slot) {
          const auto place = static_cast<std::size_t>(token * top_k + slot);
          CHECK(row[chosen[place]] == sorted[static_cast<std::size_t>(slot)]);
          CHECK(static_cast<double>(shares[place]) ==
                doctest::Approx(std::exp(static_cast<double>(row[chosen[place]])) / sum).epsilon(2e-6));
        }
      }
    }
}

TEST_CASE("the activation is silu(gate) times up, or the squared positive part") {
  for (const std::int64_t width : {1, 5, 8, 16, 31})
    for (const ExpertKernels& kernel : expert_kernels_here()) {
      CAPTURE(width);
      CAPTURE(std::string(kernel.instructions));
      std::vector<float> from(static_cast<std::size_t>(3 * 2 * width)), to(static_cast<std::size_t>(3 * width));
      RandomStream stream(3);
      for (float& x : from) x = static_cast<float>(stream.normal(0, 40));  // far out on both sides, too
      kernel.activate(from.data(), 3, width, true, to.data());
      for (std::int64_t row = 0; row < 3; ++row)
        for (std::int64_t i = 0; i < width; ++i) {
          const auto gate = static_cast<double>(from[static_cast<std::size_t>(row * 2 * width + i)]);
          const auto up = static_cast<double>(from[static_cast<std::size_t>(row * 2 * width + width + i)]);
          const double expected = gate / (1 + std::exp(-gate)) * up;  // an exponent of g is known to g 2^-24
          CHECK(std::abs(static_cast<double>(to[static_cast<std::size_t>(row * width + i)]) - expected) <=
                2e-7 * (1 + std::abs(gate)) * std::abs(expected) + 1e-30);
        }
      kernel.activate(from.data(), 3, width, false, to.data());
      for (std::size_t i = 0; i < to.size(); ++i) {
        const float positive = std::max(0.0f, from[i]);
        CHECK(to[i] == positive * positive);
      }
    }
}

TEST_CASE("sorting keeps every choice once, experts in order and tokens in order within one") {
  const LayerSizes sizes = layer_sizes(true, "uniform");
  std::vector<std::int32_t> chosen(static_cast<std::size_t>(sizes.slots()));
  RandomStream stream(3);
  for (std::int32_t& expert : chosen) expert = static_cast<std::int32_t>(stream.below(sizes.experts));
  ExpertOrder order;
  sort_by_expert(sizes, chosen, order);
  CHECK(std::accumulate(order.counts.begin(), order.counts.end(), std::int64_t{0}) == sizes.slots());
  std::vector<std::int32_t> sorted(chosen.size(), -1);
  for (std::size_t slot = 0; slot < chosen.size(); ++slot) {
    const auto place = static_cast<std::size_t>(order.places[slot]);
    CHECK(sorted[place] == -1);
    sorted[place] = chosen[slot];
    CHECK(order.source[place] == static_cast<std::int64_t>(slot) / sizes.top_k);
  }
  CHECK(std::is_sorted(sorted.begin(), sorted.end()));
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i] == sorted[i - 1]) CHECK(order.source[i] >= order.source[i - 1]);
}

TEST_CASE("logits send to each expert as many tokens as the routing's law says") {
  for (const char* routing : {"balanced", "uniform", "zipf:1.2", "power_law:1.1"}) {
    CAPTURE(std::string(routing));
    const LayerSizes sizes = layer_sizes(true, routing);
    const LayerOperands operands = draw_layer(sizes, 5);
    std::vector<std::int32_t> chosen(static_cast<std::size_t>(sizes.slots()));
    std::vector<float> shares(chosen.size());
    expert_kernels_generic.choose(operands.logits.data(), sizes.tokens, static_cast<int>(sizes.experts),
                                  static_cast<int>(sizes.top_k), chosen.data(), shares.data());
    ExpertOrder order;
    sort_by_expert(sizes, chosen, order);
    CHECK(order.counts == draw_counts(routing, sizes.tokens, sizes.experts, sizes.top_k, 5));
  }
}

TEST_CASE("layers agree with double precision, gated or not, sparse or wide; one wrong result is seen") {
  const CpuContext context = expert_context();
  for (const std::string& library : dense_libraries())
    for (const bool gated : {true, false}) {
      CAPTURE(library);
      CAPTURE(gated);
      const LayerSizes sizes = layer_sizes(gated, "zipf:1.0");
      const LayerOperands operands = draw_layer(sizes, 5);
      std::vector<float> results(operands.tokens.size());
      ExpertLayer layer(library, sizes, context);
      const auto up = layer.prepare_up(operands.up), down = layer.prepare_down(operands.down);
      layer.run(operands.tokens.data(), operands.logits.data(), up.data(), down.data(), results.data());
      CHECK(layer_error(sizes, operands, results.data(), false, 1) < 0.5);
      results[99] += 1e-3f;
      CHECK(layer_error(sizes, operands, results.data(), false, 1) > 1);
      WideLayer wide(library, sizes, context);
      const auto wide_up = wide.prepare_up(operands.up), wide_down = wide.prepare_down(operands.down);
      wide.run(operands.tokens.data(), wide_up.data(), wide_down.data(), results.data());
      CHECK(layer_error(sizes, operands, results.data(), true, 1) < 0.5);
    }
}

TEST_CASE("grouped products agree with double precision where experts have many rows, few or none") {
  for (const char* routing : {"balanced", "uniform", "zipf:2", "power_law:1.2", "counts:[45,0,0,0,0]"}) {
    CAPTURE(std::string(routing));
    check_runners(grouped_gemm_family(), expert_row("grouped_gemm", {{"experts", "5"}, {"routing", routing}}));
  }
}

TEST_CASE("grouped products of other types agree, too, where a library has them") {
  for (const char* type : {"bf16", "int8"}) {
    CAPTURE(std::string(type));
    PlanRow row = expert_row("grouped_gemm", {{"experts", "5"}, {"routing", "uniform"}});
    row.dtype = type;
    const auto problem = grouped_gemm_family().make(row, expert_context(), 11);
    try {
      for (const auto& runner : problem->runners(row)) CHECK(runner->error() < 1);
      for (const auto& runner : problem->baselines()) CHECK(runner->error() < 1);
    } catch (const NotHere& reason) {
      MESSAGE((std::string(type) + ": " + reason.what()));
    }
  }
}

TEST_CASE("expert layers are checked and timed") {
  check_runners(moe_ffn_family(),
                expert_row("moe_ffn", {{"experts", "6"}, {"top_k", "2"}, {"routing", "zipf:1"}, {"gated", "1"}}));
}

TEST_CASE("an expert layer gives the same results by two threads") {
  const LayerSizes sizes = layer_sizes(true, "zipf:1.0");
  const LayerOperands operands = draw_layer(sizes, 5);
  for (const std::string& library : dense_libraries()) {
    CpuContext context = expert_context();
    context.threads = 2;
    std::vector<float> results(operands.tokens.size());
    ExpertLayer layer(library, sizes, context);
    const auto up = layer.prepare_up(operands.up), down = layer.prepare_down(operands.down);
    layer.run(operands.tokens.data(), operands.logits.data(), up.data(), down.data(), results.data());
    CHECK(layer_error(sizes, operands, results.data(), false, 1) < 0.5);
  }
}

TEST_CASE("expert rows that cannot be run are refused by name") {
  const CpuContext context = expert_context();
  const ProblemFamily grouped = grouped_gemm_family(), layer = moe_ffn_family();
  CHECK_THROWS_AS(grouped.check(expert_row("grouped_gemm", {}), context), NotHere);
  CHECK_THROWS_AS(grouped.check(expert_row("grouped_gemm", {{"experts", "5"}, {"routing", "even"}}), context), NotHere);
  CHECK_THROWS_AS(grouped.check(expert_row("grouped_gemm", {{"experts", "5"}, {"routing", "trace:a.csv"}}), context),
                  NotHere);
  CHECK_THROWS_AS(layer.check(expert_row("moe_ffn", {{"experts", "6"}, {"top_k", "7"}}), context), NotHere);
  PlanRow half = expert_row("moe_ffn", {{"experts", "6"}, {"top_k", "2"}});
  half.dtype = "fp16";
  CHECK_THROWS_AS(layer.check(half, context), NotHere);
  PlanRow large = expert_row("grouped_gemm", {{"experts", "4096"}});
  large.n = large.k = 1 << 20;
  CHECK_THROWS_AS(grouped.check(large, context), NotHere);
}

}  // namespace sparsesim::measure
