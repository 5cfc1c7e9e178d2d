// Laws of attention under patterns: what is computed, read and paid for, whatever the kernel.

#include <doctest/doctest.h>

#include <string>

#include "models/compute/player.h"
#include "models/ops/attention/attention.h"
#include "models/ops/attention/attention_kernel.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

Attention attention(const std::string& keys) {
  config::Diagnostics diagnostics;
  config::MapReader map(config::load_text("{" + keys + "}", "test.yaml", diagnostics), diagnostics);
  auto op = read_attention(map);
  map.finish();
  diagnostics.throw_if_any();
  return dynamic_cast<Attention&>(*op);
}

struct Totals {
  double seconds = 0, useful_macs = 0, issued_macs = 0, dram_bytes = 0;
  std::size_t launches = 0;
};
Totals totals(const Program& program, const Substrate& substrate) {
  Totals sum;
  for (const Stage& stage : program.stages) {
    const LaunchResult result = play(*stage.launch, substrate, {});
    sum.seconds += result.time.seconds();
    sum.useful_macs += result.counters.useful_macs;
    sum.issued_macs += result.counters.issued_macs;
    sum.dram_bytes += result.counters.dram_bytes;
    ++sum.launches;
  }
  return sum;
}
Totals sparse(const std::string& keys, const std::string& name, const Ideal& ideal = {}) {
  return totals(attention(keys).lower({machine(name), ideal, 1}), machine(name));
}
double speedup(const std::string& keys, const std::string& name) {
  const Attention op = attention(keys);
  const LowerContext context{machine(name), {}, 1};
  return totals(op.lower_dense(context), context.substrate).seconds /
         totals(op.lower(context), context.substrate).seconds;
}

constexpr const char* kShape = "seq: 4096, heads: 8, kv_heads: 2, head_dim: 128, ";
constexpr const char* kPatterns[] = {
    "pattern: global, window: 300, global: 64",
    "pattern: sinks, window: 300",
    "pattern: dilated, window: 200, dilation: 3",
    "pattern: strided, stride: 200",
    "pattern: bigbird, window: 192, global: 64",
    "pattern: documents, documents: 7",
    "pattern: retrieved, pages: 12",
    "pattern: blocks, block: 128, sparsity: 0.8",
};

}  // namespace

TEST_CASE("every pattern: skipping issues no more than masking, both need the same, and need no more than they issue") {
  for (const char* name : {"h100", "a100"})
    for (const std::string pattern : kPatterns) {
      CAPTURE(pattern);
      const Totals skip = sparse(kShape + pattern, name), mask = sparse(kShape + pattern + ", method: mask", name);
      CHECK(skip.useful_macs == doctest::Approx(mask.useful_macs).epsilon(1e-9));
      CHECK(skip.issued_macs <= mask.issued_macs);
      CHECK(skip.useful_macs <= skip.issued_macs * (1 + 1e-9));
      // 8 heads, the causal triangle of 4096 tokens, two products of depth 128: masking computes at least that.
      CHECK(mask.issued_macs >= 2.0 * 8 * 4096 * 4097 / 2 * 128);
    }
}

TEST_CASE(
    "every pattern: declared sparsity is the share of causal scores that nobody needs; aligned shares are shares") {
  for (const char* name : {"h100", "a100"})
    for (const std::string pattern : kPatterns) {
      CAPTURE(pattern);
      const Attention op = attention(kShape + pattern);
      const SparsitySummary summary = op.sparsity({machine(name), {}, 1});
      const double triangle = 2.0 * 8 * 4096 * 4097 / 2 * 128;
      Ideal ideal;
      ideal.metadata = true;  // the scoring of pages multiplies too
      CHECK(summary.declared ==
            doctest::Approx(1 - sparse(kShape + pattern, name, ideal).useful_macs / triangle).epsilon(1e-9));
      CHECK(summary.aligned_dispatch >= 0);
      CHECK(summary.aligned_dispatch <= summary.aligned_cache);  // a skipped block has free keys only
      CHECK(summary.aligned_cache <= 1);
      CHECK(attention(kShape + pattern + ", method: mask").sparsity({machine(name), {}, 1}).aligned_dispatch == 0);
    }
}

TEST_CASE("decode reads the keys and values of the chosen pages, their summaries, and nothing else of the cache") {
  const std::string shape = "phase: decode, batch: 4, seq: 32768, heads: 32, kv_heads: 8, head_dim: 128, ";
  const double row = 4.0 * 8 * 128 * 2;  // bytes of one key (or value) of all sequences and heads
  for (const char* name : {"h100", "a100"}) {
    const double pages = sparse(shape + "pattern: retrieved, page: 16, pages: 64", name).dram_bytes;
    const double chosen = 2 * 64 * 16 * row, summaries = 2 * 32768 / 16 * row;
    CHECK(pages >= chosen + summaries);
    CHECK(pages < 1.15 * (chosen + summaries));
    const double sinks = sparse(shape + "pattern: sinks, sinks: 4, window: 2028", name).dram_bytes;
    // The sinks fill a part of their page; keys 30740.. to 32767 start within page 1921: 2048 keys are read.
    CHECK(sinks >= 2 * 2048 * row);
    CHECK(sinks < 1.1 * 2 * 2048 * row);
  }
}

TEST_CASE("one query that sees every stride-th key reads every page") {
  const std::string shape = "phase: decode, seq: 8192, heads: 8, head_dim: 128, ";
  const double strided = sparse(shape + "pattern: strided, stride: 16, page: 16", "h100").dram_bytes;
  CHECK(strided >= 2.0 * 8192 * 8 * 128 * 2);
}

TEST_CASE("a block-sparse kernel loses to dense attention on short sequences and wins on long ones") {
  for (const char* name : {"h100", "a100"}) {
    double before = 0;
    for (const char* seq : {"1024", "4096", "16384"}) {
      const std::string keys = std::string("seq: ") + seq + ", heads: 32, kv_heads: 8, head_dim: 128, ";
      const double gain = speedup(keys + "pattern: sinks, window: 512", name);
      CHECK(gain > before);
      before = gain;
      if (std::string(seq) == "1024") CHECK(gain < 1);
      if (std::string(seq) == "16384") CHECK(gain > 2);
    }
  }
}

TEST_CASE("a mask over dense blocks is never faster than dense attention by a kernel of its making") {
  for (const char* name : {"h100", "a100"}) CHECK(speedup(std::string(kShape) + "window: 256, method: mask", name) < 1);
}

TEST_CASE("an index costs its kernels, less where calls share it, nothing where metadata is ideal") {
  const std::string keys = std::string(kShape) + "pattern: retrieved, pages: 12";
  Ideal ideal;
  ideal.metadata = true;
  const Substrate& h100 = machine("h100");
  const Totals one = sparse(keys, "h100"), shared = sparse(keys + ", index_calls: 32", "h100");
  const Totals free = totals(attention(keys).lower({h100, ideal, 1}), h100);
  CHECK(one.launches == 4);  // cache write, page scores, choice, attention
  CHECK(shared.launches == 4);
  CHECK(free.launches == 2);
  CHECK(shared.seconds < one.seconds);
  CHECK(free.seconds < shared.seconds);
  const double node = h100.dispatch.graph_node + h100.dispatch.grid_start;
  CHECK(one.seconds - shared.seconds > 2 * node * 31 / 32 * 0.99);
}

TEST_CASE("documents told to the kernel cost their own triangles; a common grid of blocks costs more") {
  const std::string keys = std::string(kShape) + "pattern: documents, lengths: [2048, 1024, 512, 512]";
  const Totals packed = sparse(keys, "a100"), grid = sparse(keys + ", kernel: flex", "a100");
  const double triangles = 2048.0 * 2049 / 2 + 1024.0 * 1025 / 2 + 2 * 512.0 * 513 / 2;
  CHECK(packed.useful_macs == doctest::Approx(2.0 * 8 * triangles * 128).epsilon(1e-9));
  CHECK(packed.issued_macs <= grid.issued_macs);
  CHECK(packed.seconds < grid.seconds);
}

TEST_CASE("one document as long as the sequence is causal attention, to the picosecond") {
  for (const char* name : {"h100", "a100"})
    CHECK(sparse(std::string(kShape) + "pattern: documents, documents: 1", name).seconds ==
          sparse(std::string(kShape) + "pattern: documents, lengths: [4096]", name).seconds);
  CHECK(speedup(std::string(kShape) + "pattern: documents, documents: 1", "h100") == 1.0);
}

TEST_CASE("patterns too large to count are refused before time is spent") {
  const Attention op = attention("seq: 4194304, heads: 8, head_dim: 128, pattern: sinks, window: 512");
  CHECK_THROWS_WITH(op.lower({machine("a100"), {}, 1}), doctest::Contains("keys of all tiles under a pattern"));
}

TEST_CASE("a machine without a kernel for the type says so by name") {
  AttentionSize size = attention("seq: 512, heads: 4, head_dim: 128, pattern: sinks, window: 64").size();
  size.kernel = "no_such";
  CHECK_THROWS_WITH_AS(Attention(size).lower({machine("a100"), {}, 1}),
                       doctest::Contains("no no_such attention kernel"), UnsupportedError);
}

}  // namespace sparsesim
