// Laws of the backward pass of attention.

#include <doctest/doctest.h>

#include <string>

#include "models/compute/player.h"
#include "models/ops/attention/attention.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

AttentionSize backward_call(std::int64_t batch, std::int64_t seq, std::int64_t heads, std::int64_t kv_heads) {
  AttentionSize size;
  size.batch = batch;
  size.queries = size.keys = seq;
  size.heads = heads;
  size.kv_heads = kv_heads;
  size.cached = false;
  size.backward = true;
  return size;
}

AttentionSize forward_of(AttentionSize size) {
  size.backward = false;
  return size;
}

double program_macs(const Program& program, bool issued) {
  double macs = 0;
  for (const Stage& stage : program.stages)
    for (const Task& task : stage.launch->tasks) {
      const TaskShape& shape = stage.launch->shapes[task.shape];
      macs += issued ? shape.issued_macs : shape.useful_macs;
    }
  return macs;
}

double program_seconds(const Program& program, const Substrate& substrate) {
  double total = 0;
  for (const Stage& stage : program.stages) total += play(*stage.launch, substrate, {}).time.seconds();
  return total;
}

bool has_launch(const Program& program, const std::string& name) {
  for (const Stage& stage : program.stages)
    if (stage.launch->name == name) return true;
  return false;
}

AttentionSize with_pattern(AttentionSize size, const char* pattern, double density) {
  size.pattern = find_key_pattern(pattern);
  size.sizes.block = 512;
  size.sizes.density = density;
  return size;
}

}  // namespace

TEST_CASE("backward needs five products where forward needs two, seven where the scores are computed twice") {
  for (const char* name : {"h100", "a100", "rtx-4090", "b200", "mi300x", "v100"}) {
    const LowerContext context{machine(name), {}, 1};
    AttentionSize size = backward_call(2, 1000, 8, 8);
    if (std::string(name) == "v100") size.dtype = "fp16";
    const double forward = program_macs(Attention(forward_of(size)).lower(context), false);
    CHECK(program_macs(Attention(size).lower(context), false) == doctest::Approx(2.5 * forward));
  }
  const LowerContext tpu{machine("tpu-v5e"), {}, 1};
  const AttentionSize size = backward_call(2, 1000, 8, 8);
  CHECK(program_macs(Attention(size).lower(tpu), false) ==
        doctest::Approx(3.5 * program_macs(Attention(forward_of(size)).lower(tpu), false)));
}

TEST_CASE("backward beats no matrix peak, issues whole blocks, and takes twice as long for twice the sequences") {
  for (const char* name : {"h100", "a100"}) {
    const Substrate& substrate = machine(name);
    const LowerContext context{substrate, {}, 1};
    const Program once = Attention(backward_call(8, 2048, 16, 16)).lower(context);
    const Program twice = Attention(backward_call(16, 2048, 16, 16)).lower(context);
    const double rate = substrate.compute.pipes.tensor.at("bf16").dense * substrate.compute.units *
                        substrate.compute.clock / 2;  // multiply-adds per second
    CHECK(program_seconds(once, substrate) > program_macs(once, false) / rate);
    CHECK(program_macs(once, true) > program_macs(once, false));
    CHECK(program_macs(twice, true) == doctest::Approx(2 * program_macs(once, true)));
    CHECK(program_seconds(twice, substrate) / program_seconds(once, substrate) == doctest::Approx(2).epsilon(0.05));
  }
}

TEST_CASE("a window as long as the sequence is causal backward; a narrow one makes its cost linear") {
  const Substrate& substrate = machine("h100");
  const LowerContext context{substrate, {}, 1};
  AttentionSize causal = backward_call(1, 4096, 8, 8), window = causal;
  window.window = window.keys;
  CHECK(program_seconds(Attention(window).lower(context), substrate) ==
        program_seconds(Attention(causal).lower(context), substrate));
  CHECK(program_seconds(Attention(window).lower_dense(context), substrate) ==
        program_seconds(Attention(causal).lower(context), substrate));
  AttentionSize narrow = backward_call(1, 16384, 16, 16), longer = backward_call(1, 32768, 16, 16);
  narrow.window = longer.window = 512;
  CHECK(program_seconds(Attention(longer).lower(context), substrate) /
            program_seconds(Attention(narrow).lower(context), substrate) ==
        doctest::Approx(2).epsilon(0.1));
}

TEST_CASE("blocks of a mask are skipped backward as forward; the twin is the dense backward pass") {
  for (const char* name : {"h100", "a100", "tpu-v5e"}) {
    const Substrate& substrate = machine(name);
    const LowerContext context{substrate, {}, 1};
    const AttentionSize size = with_pattern(backward_call(2, 4096, 16, 16), "blocks", 0.25);
    const Attention sparse(size);
    const double dense = program_macs(Attention(backward_call(2, 4096, 16, 16)).lower(context), true);
    CHECK(program_macs(sparse.lower_dense(context), true) == doctest::Approx(dense));
    const double share = program_macs(sparse.lower(context), true) / dense;
    const double products = std::string(name) == "tpu-v5e" ? 1 : 7.0 / 5;
    CHECK(share > 0.2 * products);
    CHECK(share < 0.6 * products);
    CHECK(sparse.sparsity(context).declared == doctest::Approx(0.75).epsilon(0.05));
    AttentionSize masked = size;
    masked.mask_only = true;
    CHECK(program_seconds(Attention(masked).lower(context), substrate) >
          program_seconds(sparse.lower(context), substrate));
  }
}

TEST_CASE("the gradients of grouped heads are added up; training keeps no cache") {
  const LowerContext context{machine("a100"), {}, 1};
  CHECK(!has_launch(Attention(backward_call(1, 512, 8, 8)).lower(context), "attention backward groups"));
  CHECK(has_launch(Attention(backward_call(1, 512, 8, 2)).lower(context), "attention backward groups"));
  AttentionSize forward = forward_of(backward_call(1, 512, 8, 2)), serving = forward;
  serving.cached = true;
  CHECK(Attention(forward).lower(context).stages.size() + 1 == Attention(serving).lower(context).stages.size());
}

TEST_CASE("machines without a backward kernel refuse by name, and a lone query has no backward pass") {
  const LowerContext context{machine("xeon-sapphire-rapids-56c"), {}, 1};
  AttentionSize size = backward_call(1, 512, 8, 8);
  CHECK_THROWS_WITH_AS(Attention(size).lower(context), doctest::Contains("attention_backward"), UnsupportedError);
  const auto mistakes = [](const std::string& text) {
    config::Diagnostics diagnostics;
    config::MapReader map(config::load_text(text, "test.yaml", diagnostics), diagnostics);
    read_attention(map);
    map.finish();
    return diagnostics.mistakes().size();
  };
  CHECK(mistakes("{seq: 64, heads: 4, head_dim: 64, phase: backward}") == 0);
  CHECK(mistakes("{queries: 1, keys: 64, heads: 4, head_dim: 64, phase: backward}") == 1);
  CHECK(mistakes("{seq: 64, heads: 4, head_dim: 64, phase: sideways}") == 1);
}

}  // namespace sparsesim
