// Laws of attention: what a window saves, what a mask costs, what a row or a workload may ask for.

#include "models/ops/attention/attention.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "models/compute/player.h"
#include "models/ops/attention/attention_kernel.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

double seconds(const Program& program, const Substrate& substrate, const Ideal& ideal = {}) {
  double total = 0;
  for (const Stage& stage : program.stages) total += play(*stage.launch, substrate, ideal).time.seconds();
  return total;
}

AttentionSize prefill(std::int64_t batch, std::int64_t seq, std::int64_t heads, std::int64_t kv_heads,
                      std::int64_t window = 0) {
  AttentionSize size;
  size.batch = batch;
  size.queries = size.keys = seq;
  size.heads = heads;
  size.kv_heads = kv_heads;
  size.window = window;
  return size;
}

const Launch& attention_launch(const Program& program) {
  for (const Stage& stage : program.stages)
    if (stage.launch->name == "attention") return *stage.launch;
  FAIL("no attention launch");
  return *program.stages.front().launch;
}

// Blocks of scores that the tasks of a launch compute, from the multiply-adds they issue.
double issued(const Launch& launch) {
  double macs = 0;
  for (const Task& task : launch.tasks) macs += launch.shapes[task.shape].issued_macs;
  return macs;
}
double useful(const Launch& launch) {
  double macs = 0;
  for (const Task& task : launch.tasks) macs += launch.shapes[task.shape].useful_macs;
  return macs;
}

std::unique_ptr<Op> read(const std::string& text, config::Diagnostics& diagnostics) {
  config::MapReader map(config::load_text(text, "test.yaml", diagnostics), diagnostics);
  auto op = read_attention(map);
  map.finish();
  return op;
}

}  // namespace

TEST_CASE("twice the sequence under the same window takes twice the time, whatever the second-level cache holds") {
  for (const char* name : {"rtx-a6000", "l40s", "a100", "h100"}) {
    CAPTURE(name);
    const LowerContext context{machine(name), {}, 1};
    double before = 0;
    for (const std::int64_t seq : {8192, 16384, 32768, 65536}) {
      const double now = seconds(Attention(prefill(1, seq, 32, 8, 1024)).lower(context), machine(name));
      if (before > 0) CHECK(now / before == doctest::Approx(2).epsilon(0.04));
      before = now;
    }
  }
}

TEST_CASE("a window as long as the sequence is causal attention, to the picosecond") {
  for (const char* name : {"h100", "a100"}) {
    const Substrate& substrate = machine(name);
    const LowerContext context{substrate, {}, 1};
    const AttentionSize whole = prefill(2, 3000, 8, 2), window = prefill(2, 3000, 8, 2, 3000);
    CHECK(seconds(Attention(window).lower(context), substrate) == seconds(Attention(whole).lower(context), substrate));
    CHECK(seconds(Attention(window).lower_dense(context), substrate) ==
          seconds(Attention(whole).lower(context), substrate));
    CHECK(Attention(window).sparsity(context).declared == 0);
  }
}

TEST_CASE("a window as long as the keys costs a lone query nothing either") {
  for (const char* name : {"h100", "a100"}) {
    const Substrate& substrate = machine(name);
    const LowerContext context{substrate, {}, 1};
    AttentionSize whole = prefill(16, 8192, 32, 8);
    whole.queries = 1;
    AttentionSize window = whole;
    window.window = window.keys;
    CHECK(seconds(Attention(window).lower(context), substrate) == seconds(Attention(whole).lower(context), substrate));
  }
}

TEST_CASE("useful work is the causal triangle: 2 head_dim multiply-adds per needed score") {
  for (const char* name : {"h100", "a100"})
    for (std::int64_t batch : {1, 3, 700}) {
      const AttentionSize size = prefill(batch, 500, 12, 4);
      const Program program = Attention(size).lower({machine(name), {}, 1});
      const double needed = static_cast<double>(batch) * 12 * 500 * 501 / 2;
      CHECK(useful(attention_launch(program)) == doctest::Approx(2 * needed * 128).epsilon(1e-9));
    }
}

TEST_CASE("issued work is whole blocks, however many tiles one task is merged from") {
  for (const char* name : {"h100", "a100"})
    for (std::int64_t batch : {1, 40, 900}) {
      const AttentionSize size = prefill(batch, 1100, 16, 4, 128);
      const Substrate& substrate = machine(name);
      const AttentionKernel kernel = find_attention_kernel(size, substrate);
      if (key_splits(size, kernel, attention_map(size, kernel, 1), substrate) > 1) continue;
      const std::int64_t heads = kernel.pack_heads ? size.kv_heads : size.heads;
      const double scores = static_cast<double>(batch * heads * score_totals(score_space(size, kernel)).computed);
      CHECK(issued(attention_launch(Attention(size).lower({substrate, {}, 1}))) ==
            doctest::Approx(2 * scores * 128).epsilon(1e-9));
    }
}

TEST_CASE("a cut along the keys loses no work") {
  const AttentionSize size = prefill(1, 4096, 2, 2);
  const Substrate& substrate = machine("h100");
  const AttentionKernel kernel = find_attention_kernel(size, substrate);
  const std::int64_t splits = key_splits(size, kernel, attention_map(size, kernel, 1), substrate);
  REQUIRE(splits > 1);  // 64 tiles leave more than a fifth of 132 units idle
  const double scores = static_cast<double>(2 * score_totals(score_space(size, kernel)).computed);
  CHECK(issued(attention_launch(Attention(size).lower({substrate, {}, 1}))) ==
        doctest::Approx(2 * scores * 128).epsilon(1e-9));
}

TEST_CASE("no machine beats its matrix peak on the scores it needs") {
  for (const char* name : {"h100", "a100"}) {
    const Substrate& substrate = machine(name);
    const AttentionSize size = prefill(4, 8192, 32, 8);
    const double flops = 4.0 * 4 * 32 * 8192 * 8193 / 2 * 128;
    const double peak =
        substrate.compute.units * substrate.compute.pipes.tensor.at("bf16").dense * substrate.compute.clock;
    CHECK(seconds(Attention(size).lower({substrate, {}, 1}), substrate) > flops / peak);
  }
}

TEST_CASE("twice the sequences take twice the time of the attention kernel when the machine is full") {
  const Substrate& substrate = machine("h100");
  const auto kernel_time = [&](std::int64_t batch) {
    const Program program = Attention(prefill(batch, 4096, 32, 8)).lower({substrate, {}, 1});
    return play(attention_launch(program), substrate, {}).time.seconds();
  };
  CHECK(kernel_time(16) / kernel_time(8) == doctest::Approx(2.0).epsilon(0.03));
}

/// The attention kernel alone, with other habits than its own.
LaunchResult play_as(const AttentionSize& size, const Substrate& substrate, bool loads_ahead, bool heads_outside) {
  AttentionKernel kernel = find_attention_kernel(size, substrate);
  kernel.loads_ahead = loads_ahead;
  kernel.heads_outside = heads_outside;
  return play(lower_attention_kernel(size, kernel, attention_map(size, kernel, 1), 1, substrate, {}), substrate, {});
}

TEST_CASE("loads ahead of their use hide where a tile is alone, and change little where tiles share a unit") {
  const auto gain = [](std::int64_t batch) {
    const AttentionSize size = prefill(batch, 4096, 1, 1);  // 64 tiles a sequence, 108 units
    return play_as(size, a100(), false, true).time.seconds() / play_as(size, a100(), true, true).time.seconds();
  };
  CHECK(gain(1) > 1.15);
  CHECK(gain(32) > 1);
  CHECK(gain(32) < 1.1);
}

TEST_CASE("heads outside read shared keys again where those of all sequences exceed the shared cache") {
  const auto bytes = [](std::int64_t batch, bool heads_outside) {
    return play_as(prefill(batch, 512, 8, 1), a100(), true, heads_outside).counters.dram_bytes;
  };
  CHECK(bytes(1, true) == bytes(1, false));  // one sequence has one order
  CHECK(bytes(16, true) == doctest::Approx(bytes(16, false)).epsilon(0.01));
  // 256 sequences have 67 MB of keys and values, 40 MiB fit.
  CHECK(bytes(256, true) > 1.3 * bytes(256, false));
}

TEST_CASE("8-bit operands halve the multiplies of a block, not its exponentials: long sequences gain less than twice") {
  for (const char* device : {"h100-sxm5-80gb", "b200-sxm-180gb"}) {
    AttentionSize size = prefill(1, 16384, 16, 16);
    const double wide = seconds(Attention(size).lower({machine(device), {}, 1}), machine(device));
    size.dtype = "fp8";
    const Program narrow = Attention(size).lower({machine(device), {}, 1});
    const double gain = wide / seconds(narrow, machine(device));
    CHECK(gain > 1.2);
    CHECK(gain < 2);
    double stored = 0;
    for (const Task& task : attention_launch(narrow).tasks)
      stored += attention_launch(narrow).shapes[task.shape].store_bytes;
    CHECK(stored == doctest::Approx(16384.0 * 16 * 128 * 2));  // results have 16 bits
  }
}

TEST_CASE("a narrow window makes the cost per query independent of the sequence") {
  const Substrate& substrate = machine("h100");
  const auto kernel_time = [&](std::int64_t batch, std::int64_t seq) {
    const Program program = Attention(prefill(batch, seq, 32, 8, 128)).lower({substrate, {}, 1});
    return play(attention_launch(program), substrate, {}).time.seconds();
  };
  CHECK(kernel_time(4, 16384) / kernel_time(16, 4096) == doctest::Approx(1.0).epsilon(0.05));
}

TEST_CASE("without padding a task issues what the result needs") {
  Ideal ideal;
  ideal.padding = true;
  const Program program = Attention(prefill(2, 777, 8, 8, 128)).lower({machine("a100"), ideal, 1});
  CHECK(issued(attention_launch(program)) == useful(attention_launch(program)));
}

TEST_CASE("declared sparsity of a window is its share of the causal triangle") {
  const AttentionSize size = prefill(1, 1024, 4, 4, 128);
  const double triangle = 1024.0 * 1025 / 2, band = 128.0 * 129 / 2 + (1024.0 - 128) * 128;
  const SparsitySummary summary = Attention(size).sparsity({machine("h100"), {}, 1});
  CHECK(summary.declared == doctest::Approx(1 - band / triangle).epsilon(1e-12));
  CHECK(summary.aligned_dispatch < summary.aligned_cache);  // a block is coarser than a key row
  CHECK(summary.aligned_dispatch > 0.5);
}

TEST_CASE("keys and values kept in 8 bits are half the bytes, whichever kernel meets them") {
  AttentionSize size = prefill(64, 4096, 32, 8);
  size.queries = 1;  // decode: nearly all bytes are keys and values
  for (const char* name : {"a100", "h100", "l40s", "b200", "mi300x"}) {
    CAPTURE(name);
    const Substrate& substrate = machine(name);
    const auto run = [&](const std::string& kept) {
      size.kv_dtype = kept;
      return Attention(size).lower({substrate, {}, 1});
    };
    const auto bytes = [](const Launch& launch) {
      double sum = 0;
      for (const Task& task : launch.tasks)
        for (const Stream& stream : launch.shapes[task.shape].streams)
          sum += stream.bytes_per_step * static_cast<double>(launch.shapes[task.shape].steps);
      return sum;
    };
    const Program plain = run(""), kept = run("fp8");
    CHECK(bytes(attention_launch(kept)) == doctest::Approx(bytes(attention_launch(plain)) / 2).epsilon(0.01));
    CHECK(seconds(kept, substrate) > 0.49 * seconds(plain, substrate));
    CHECK(seconds(kept, substrate) < 0.75 * seconds(plain, substrate));
    // Where the machine multiplies fp8, its kernel does, on queries that a pass makes fp8.
    const bool own = attention_launch(kept).dtype == "fp8";
    CHECK(own == (std::string(name) == "h100" || std::string(name) == "b200"));
    const auto is_pass = [](const Stage& stage) { return stage.launch->name == "attention quantise"; };
    CHECK(std::count_if(kept.stages.begin(), kept.stages.end(), is_pass) == (own ? 1 : 0));
  }
}

TEST_CASE("what keys in 8 bits cannot go with is said") {
  const auto mistake = [](const std::string& text) {
    config::Diagnostics diagnostics;
    read(text, diagnostics);
    REQUIRE(diagnostics.mistakes().size() == 1);
    return diagnostics.mistakes().front().message;
  };
  const std::string rest = "seq: 64\nheads: 1\nhead_dim: 64\nkv_dtype: fp8\n";
  CHECK(mistake(rest + "dtype: fp32").find("go with bf16 or fp16, not fp32") != std::string::npos);
  CHECK(mistake(rest + "phase: forward").find("training keeps no keys and values") != std::string::npos);
  AttentionSize size = prefill(1, 64, 1, 1);
  size.kv_dtype = "fp8";
  const Substrate& v100 = machine("v100");
  size.dtype = "fp16";
  CHECK_THROWS_WITH_AS(Attention(size).lower({v100, {}, 1}),
                       "no attention kernel for fp16xfp8 and head_dim 128 in the kernel library of v100-sxm2-32gb",
                       UnsupportedError);
}

TEST_CASE("sizes that contradict each other are mistakes with a place") {
  const auto mistake = [](const std::string& text) {
    config::Diagnostics diagnostics;
    const auto op = read(text, diagnostics);
    REQUIRE(!diagnostics.empty());
    return diagnostics.mistakes().front().message;
  };
  CHECK(mistake("{seq: 100, heads: 4, head_dim: 64, window: 101}").find("larger than the sequence") !=
        std::string::npos);
  CHECK(mistake("{seq: 100, heads: 4, head_dim: 64, window: 0}").find("window") != std::string::npos);
  CHECK(mistake("{seq: 100, heads: 6, kv_heads: 4, head_dim: 64}").find("multiple of kv_heads") != std::string::npos);
  CHECK(mistake("{seq: 100, heads: 4, head_dim: 64, stride: 8, pattern: strided, causal: false}").find("causal") !=
        std::string::npos);
  CHECK(mistake("{seq: 100, heads: 4, head_dim: 64, window: 8, stride: 8}").find("window has no stride") !=
        std::string::npos);
  CHECK(mistake("{seq: 100, heads: 4, head_dim: 64, pattern: bigbird, window: 8}").find("global") != std::string::npos);
  CHECK(mistake("{seq: 100, heads: 4, head_dim: 64, pattern: documents, lengths: [40, 50]}").find("90 tokens") !=
        std::string::npos);
  CHECK(mistake("{seq: 100, heads: 4, head_dim: 64, pattern: retrieved, pages: 2, page: 128}").find("page (128)") !=
        std::string::npos);
  CHECK(mistake("{seq: 100, heads: 4, head_dim: 64, pattern: blocks, mask: no_such.npy}").find("no_such.npy") !=
        std::string::npos);
  config::Diagnostics fine;
  CHECK(read("{seq: 100, heads: 4, kv_heads: 2, head_dim: 64, window: 100}", fine) != nullptr);
  CHECK(fine.empty());
}

TEST_CASE("a row that lacks a size or asks for another pattern is refused by name") {
  MeasuredOp row;
  row.op = "attention";
  row.dtype = "bf16";
  row.pattern = "window";
  row.params = {{"batch", "2"}, {"seq", "512"}, {"heads", "8"}, {"kv_heads", "2"}, {"head_dim", "128"}};
  CHECK_THROWS_WITH_AS(attention_from_row(row), "a window row needs window", UnsupportedError);
  row.params["window"] = "128";
  const auto op = attention_from_row(row);
  CHECK(op->pattern() == "window");
  row.params["window"] = "600";
  CHECK_THROWS_AS(attention_from_row(row), UnsupportedError);
  row.pattern = "dilated";
  CHECK_THROWS_AS(attention_from_row(row), UnsupportedError);
}

TEST_CASE("the task list stays small however many heads there are") {
  AttentionSize size = prefill(256, 16384, 64, 8);
  for (const char* name : {"h100", "a100"}) {
    const Program program = Attention(size).lower({machine(name), {}, 1});
    for (const Stage& stage : program.stages) CHECK(stage.launch->tasks.size() <= 8448);  // two waves of 32 x 132
  }
}

}  // namespace sparsesim
