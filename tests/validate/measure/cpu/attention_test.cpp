// The attention kernel of processors: right results on odd sizes under every pattern and instruction set there is.

#include "validate/measure/cpu/attention.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace sparsesim::measure {
namespace {

/// The kernels that this processor can run.
std::vector<AttentionKernel> attention_kernels_here() {
  const CpuContext context = make_cpu_context(1);
  std::vector<AttentionKernel> kernels = {attention_kernel_generic};
#if defined(__x86_64__)
  if (context.avx2) kernels.push_back(attention_kernel_avx2);
  if (context.avx512) kernels.push_back(attention_kernel_avx512);
#endif
  return kernels;
}

AttentionSizes attention_sizes(std::int64_t seq, int head_dim, bool causal = true) {
  AttentionSizes sizes;
  sizes.batch = 2;
  sizes.heads = 4;
  sizes.kv_heads = 2;
  sizes.seq = seq;
  sizes.head_dim = head_dim;
  sizes.causal = causal;
  return sizes;
}

/// Errors of every kernel there is under a pattern; null: dense.
void check_attention(const AttentionSizes& sizes, const char* pattern, const KeyPatternSizes& pattern_sizes) {
  CAPTURE(sizes.seq);
  CAPTURE(sizes.head_dim);
  const AttentionMask mask(sizes, pattern ? find_key_pattern(pattern) : nullptr, pattern_sizes, 3);
  for (const AttentionKernel& kernel : attention_kernels_here()) {
    CAPTURE(std::string(kernel.instructions));
    const AttentionOperands operands = draw_attention(sizes, kernel, 7);
    run_attention(sizes, kernel, mask, operands, 1);
    CHECK(attention_error(sizes, kernel, mask, operands, 5) < 0.5);
  }
}

PlanRow attention_row(const std::string& pattern, std::map<std::string, std::string> params) {
  PlanRow row;
  row.op = "attention";
  row.dtype = "fp32";
  row.pattern = pattern;
  row.params = {{"seq", "200"}, {"heads", "2"}, {"head_dim", "40"}};
  row.params.merge(params);
  return row;
}

CpuContext attention_context() {
  CpuContext context = make_cpu_context(1);
  context.last_cache_bytes = 1 << 20;
  return context;
}

}  // namespace

TEST_CASE("attention agrees with double precision whatever the length and head dimension") {
  for (const bool causal : {true, false})
    for (const std::int64_t seq : {1, 7, 64, 65, 127, 200, 331})
      for (const int head_dim : {1, 8, 24, 64, 80, 128})
        check_attention(attention_sizes(seq, head_dim, causal), nullptr, {});
}

TEST_CASE("a window sees its last keys, whatever its edge cuts off a tile") {
  for (const std::int64_t window : {1, 2, 63, 64, 65, 130, 300}) {
    KeyPatternSizes sizes;
    sizes.window = window;
    check_attention(attention_sizes(300, 32), "window", sizes);
  }
}

TEST_CASE("a mask of blocks keeps what the simulator keeps") {
  for (const bool causal : {true, false})
    for (const std::int64_t block : {64, 128}) {
      KeyPatternSizes sizes;
      sizes.block = block;
      sizes.density = 0.3;
      check_attention(attention_sizes(500, 32, causal), "blocks", sizes);
    }
}

TEST_CASE("a window as long as the sequence is causal attention to the bit") {
  const AttentionSizes sizes = attention_sizes(190, 48);
  KeyPatternSizes window;
  window.window = sizes.seq;
  for (const AttentionKernel& kernel : attention_kernels_here()) {
    const AttentionOperands dense = draw_attention(sizes, kernel, 7), windowed = draw_attention(sizes, kernel, 7);
    run_attention(sizes, kernel, AttentionMask(sizes, nullptr, {}, 1), dense, 1);
    run_attention(sizes, kernel, AttentionMask(sizes, find_key_pattern("window"), window, 1), windowed, 1);
    for (std::size_t i = 0; i < dense.results.size(); ++i) CHECK(dense.results[i] == windowed.results[i]);
  }
}

TEST_CASE("a window of w keys computes the tiles that hold them and no others") {
  const AttentionSizes sizes = attention_sizes(1024, 64);
  KeyPatternSizes window;
  window.window = 65;  // of 64 queries the first one needs the whole tile before its own
  const AttentionMask mask(sizes, find_key_pattern("window"), window, 1);
  for (std::size_t block = 0; block < mask.tiles().size(); ++block) {
    REQUIRE(mask.tiles()[block].size() == (block == 0 ? 1 : 2));
    CHECK(mask.tiles()[block].back().tile == static_cast<std::int32_t>(block));
    CHECK_FALSE(mask.tiles()[block].back().whole);  // the diagonal
  }
}

TEST_CASE("whole tiles are those without a masked score") {
  const AttentionSizes sizes = attention_sizes(512, 16);
  const AttentionMask mask(sizes, nullptr, {}, 1);
  for (std::size_t block = 0; block < mask.tiles().size(); ++block) {
    REQUIRE(mask.tiles()[block].size() == block + 1);
    for (const KeyTile& tile : mask.tiles()[block]) CHECK(tile.whole == (tile.tile < static_cast<std::int32_t>(block)));
  }
}

TEST_CASE("scores far apart leave no trace and no subnormal number") {
  const AttentionSizes sizes = attention_sizes(130, 16);
  for (const AttentionKernel& kernel : attention_kernels_here()) {
    AttentionOperands operands = draw_attention(sizes, kernel, 7);
    for (float& query : operands.queries) query *= 300;
    const AttentionMask mask(sizes, nullptr, {}, 1);
    run_attention(sizes, kernel, mask, operands, 1);
    for (const float result : operands.results) CHECK((result == 0 || std::isnormal(result)));
    CHECK(attention_error(sizes, kernel, mask, operands, 5) < 20);  // scores of 1000 are known to 1e-4
  }
}

TEST_CASE("two threads give the results of one") {
  const AttentionSizes sizes = attention_sizes(200, 24);
  const AttentionKernel& kernel = attention_kernel_generic;
  const AttentionOperands one = draw_attention(sizes, kernel, 7), two = draw_attention(sizes, kernel, 7);
  const AttentionMask mask(sizes, nullptr, {}, 1);
  run_attention(sizes, kernel, mask, one, 1);
  run_attention(sizes, kernel, mask, two, 2);
  CHECK(std::equal(one.results.begin(), one.results.end(), two.results.begin()));
}

TEST_CASE("one wrong result is seen") {
  const AttentionSizes sizes = attention_sizes(30, 16);
  const AttentionKernel& kernel = attention_kernel_generic;
  const AttentionOperands operands = draw_attention(sizes, kernel, 7);
  const AttentionMask mask(sizes, nullptr, {}, 1);
  run_attention(sizes, kernel, mask, operands, 1);
  operands.results[333] += 1e-3f;
  CHECK(attention_error(sizes, kernel, mask, operands, 5) > 1);
  operands.results[333] = std::nanf("");
  CHECK(std::isinf(attention_error(sizes, kernel, mask, operands, 5)));
}

TEST_CASE("runners of attention are checked and timed; what has no kernel is refused by name") {
  const ProblemFamily family = attention_family();
  const CpuContext context = attention_context();
  const PlanRow window = attention_row("window", {{"window", "70"}}), dense = attention_row("", {});
  PlanRow mask = attention_row("block_mask", {{"block", "64x64"}});
  mask.sparsity = 0.5;
  for (const PlanRow& row : {window, dense, mask}) family.check(row, context);
  CHECK(family.key(window) == family.key(mask));
  const auto problem = family.make(window, context, 11);
  for (const PlanRow& row : {window, dense, mask})
    for (const auto& runner : problem->runners(row)) {
      CHECK(runner->kernel() == "tuned:tiled");
      CHECK(runner->error() < 1);
      CHECK(runner->run(2) > 0);
    }
  REQUIRE(problem->baselines().size() == 1);
  CHECK(problem->baselines().front()->error() < 1);
  PlanRow half = dense;
  half.dtype = "fp16";
  CHECK_THROWS_AS(family.check(half, context), NotHere);
  CHECK_THROWS_AS(family.check(attention_row("bigbird", {}), context), NotHere);
  CHECK_THROWS_AS(family.check(attention_row("window", {}), context), NotHere);
  CHECK_THROWS_AS(family.check(attention_row("window", {{"window", "70"}, {"causal", "0"}}), context), NotHere);
  CHECK_THROWS_AS(family.check(attention_row("", {{"kv_heads", "3"}}), context), NotHere);
}

}  // namespace sparsesim::measure
