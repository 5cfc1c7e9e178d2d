// Laws of layer stacks in which tokens and requests drop out.

#include "models/ops/dynamic/depth.h"

#include <doctest/doctest.h>

#include <map>
#include <numeric>
#include <set>

#include "models/compute/player.h"
#include "models/ops/dynamic/depth_passes.h"
#include "sim/config/node.h"
#include "sim/core/counts.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

LowerContext on_a100(Ideal ideal = {}) { return {machine("a100-sxm4-80gb"), ideal, 1}; }

DepthSize decoder(std::int64_t batch) {
  DepthSize size;
  size.layer = {.hidden = 2048,
                .intermediate = 5504,
                .heads = 16,
                .kv_heads = 16,
                .head_dim = 128,
                .gated = true,
                .causal = true,
                .context = 512};
  size.layers = 12;
  size.batch = batch;
  return size;
}

DepthSize encoder() {
  DepthSize size;
  size.layer = {.hidden = 1024, .intermediate = 4096, .heads = 16, .kv_heads = 16, .head_dim = 64};
  size.layers = 12;
  size.batch = 8;
  size.seq = 512;
  return size;
}

/// Launches run one after the other; shared ones are played once.
double time_us(const Program& program) {
  std::map<const Launch*, double> played;
  double time = 0;
  for (const Stage& stage : program.stages) {
    const auto [entry, fresh] = played.try_emplace(stage.launch.get());
    if (fresh) entry->second = play(*stage.launch, machine("a100-sxm4-80gb"), {}).time.us();
    time += entry->second;
  }
  return time;
}
double sparse_us(const DepthSize& size, std::uint64_t seed = 1) {
  return time_us(LayerStack(size).lower({machine("a100-sxm4-80gb"), {}, seed}));
}
double dense_us(const DepthSize& size) { return time_us(LayerStack(size).lower_dense(on_a100())); }

double useful_macs(const Program& program) {
  double macs = 0;
  for (const Stage& stage : program.stages)
    for (const Task& task : stage.launch->tasks) macs += stage.launch->shapes[task.shape].useful_macs;
  return macs;
}

/// What the reader says of a stack's keys; empty where they are fine.
std::string mistake(const std::string& keys, const std::string& seq = "64") {
  config::Diagnostics diagnostics;
  const std::string layer = "{layers: 8, seq: " + seq + ", hidden: 256, intermediate: 512, heads: 4, head_dim: 64, ";
  config::MapReader map(config::load_text(layer + keys + "}", "test", diagnostics), diagnostics);
  const bool read = read_layer_stack(map) != nullptr;
  CHECK(read == diagnostics.empty());
  return diagnostics.empty() ? "" : diagnostics.mistakes().front().message;
}

}  // namespace

TEST_CASE("everybody who exits after the last layer has done all the work: the dense time and the last check") {
  DepthSize size = decoder(16);
  const double dense = dense_us(size);
  CHECK(sparse_us(size) == dense);  // no exits at all
  size.exit_layers = {12};
  size.exit_shares = {1};
  CHECK(sparse_us(size) == dense);
}

TEST_CASE("everybody who exits half-way does half of the layers; a decoder still owes the others their keys") {
  DepthSize size = encoder();
  size.exit_layers = {6};
  size.exit_shares = {1};
  const double half = useful_macs(LayerStack(size).lower(on_a100({.metadata = true})));
  CHECK(half == doctest::Approx(0.5 * useful_macs(LayerStack(size).lower_dense(on_a100()))));
  DepthSize owing = decoder(16);
  owing.exit_layers = {6};
  owing.exit_shares = {1};
  const Program program = LayerStack(owing).lower(on_a100());
  double owed = 0;
  for (const Stage& stage : program.stages)
    if (stage.launch->name == "owed_keys")
      for (const Task& task : stage.launch->tasks) owed += stage.launch->shapes[task.shape].useful_macs;
  CHECK(owed == doctest::Approx(6.0 * 16 * 2048 * (2 * 16 * 128)));  // layers x requests x hidden x (keys and values)
}

TEST_CASE("a batch that keeps its shape runs until its slowest request is done") {
  DepthSize size = decoder(64);
  size.exit_layers = {3, 6};
  size.exit_shares = {0.5, 0.3};
  size.rebatch = Rebatch::none;
  const TokenCounts needed = needed_tokens(size, 1);
  CHECK(sum(needed.back()) > 0);  // somebody stays
  for (const auto& lengths : batched_tokens(size, needed)) CHECK(lengths.size() == 64);
  CHECK(sparse_us(size) >= dense_us(size));  // and pays the checks
  size.rebatch = Rebatch::compact;
  CHECK(sparse_us(size) < dense_us(size));
}

TEST_CASE("rebatching: packed sequences are the needed ones, padded ones fill whole granules, none has all") {
  DepthSize size = decoder(50);
  size.exit_layers = {4};
  size.exit_shares = {0.6};
  const TokenCounts needed = needed_tokens(size, 7);
  const std::int64_t alive = sum(needed.back());
  CHECK(alive > 0);
  CHECK(alive < 50);
  CHECK(static_cast<std::int64_t>(batched_tokens(size, needed).back().size()) == alive);
  size.rebatch = Rebatch::pad;
  size.pad_to = 8;
  const auto padded = static_cast<std::int64_t>(batched_tokens(size, needed).back().size());
  CHECK(padded == (alive + 7) / 8 * 8);
  CHECK(static_cast<std::int64_t>(batched_tokens(size, needed).front().size()) == 50);  // never more than the batch
}

TEST_CASE("exits are drawn by share: of 65536 requests a quarter leaves first, and who left does not come back") {
  DepthSize size = decoder(65536);
  size.exit_layers = {4, 8};
  size.exit_shares = {0.25, 0.5};
  const TokenCounts needed = needed_tokens(size, 11);
  // One sigma is 111 requests.
  CHECK(sum(needed[3]) == 65536);
  CHECK(std::abs(sum(needed[4]) - 49152) < 450);
  CHECK(std::abs(sum(needed[8]) - 16384) < 450);
  for (std::size_t request = 0; request < 65536; request += 997)
    for (std::size_t layer = 1; layer < 12; ++layer) CHECK(needed[layer][request] <= needed[layer - 1][request]);
  CHECK(needed == needed_tokens(size, 11));
}

TEST_CASE("pruned tokens: shares of the first tokens, from the layer after") {
  DepthSize size = encoder();
  size.keep_layers = {4, 8};
  size.keep_shares = {0.5, 0.25};
  const TokenCounts needed = needed_tokens(size, 1);
  CHECK(needed[3].front() == 512);
  CHECK(needed[4].front() == 256);
  CHECK(needed[8].front() == 128);
  size.rebatch = Rebatch::pad;
  size.pad_to = 100;
  CHECK(batched_tokens(size, needed)[4].front() == 300);
  CHECK(batched_tokens(size, needed)[0].front() == 512);  // padding stops at the whole sequence
}

TEST_CASE("kept tokens that differ between requests: the packed batch runs their sum, the padded one the longest") {
  DepthSize size = encoder();
  size.keep_layers = {2};
  size.keep_shares = {0.5};
  size.keep_spread = 0.3;
  const TokenCounts needed = needed_tokens(size, 5);
  CHECK(std::set<std::int64_t>(needed[2].begin(), needed[2].end()).size() > 1);
  const double packed = sparse_us(size, 5);
  size.rebatch = Rebatch::pad;
  size.pad_to = 64;
  CHECK(sum(batched_tokens(size, needed)[2]) > sum(needed[2]));
  CHECK(sparse_us(size, 5) > packed);
}

TEST_CASE("sequences of different lengths in one call: its multiply-adds are those of the calls apart") {
  DepthSize size = encoder();
  const auto macs = [&](const std::vector<std::int64_t>& lengths) {
    Program program;
    for (const auto& launch : lower_layer(size.layer, lengths, on_a100()))
      program.stages.emplace_back().launch = launch;
    return useful_macs(program);
  };
  CHECK(macs({512, 300, 300, 77}) == doctest::Approx(macs({512}) + 2 * macs({300}) + macs({77})));
  CHECK(macs({512, 300}) == doctest::Approx(size.layer.macs(512) + size.layer.macs(300)));
}

TEST_CASE("mixture of depths: every second layer works on an eighth of the tokens, the others on all") {
  DepthSize size = encoder();
  size.skip_every = 2;
  size.skip_capacity = 0.125;
  const TokenCounts needed = needed_tokens(size, 1);
  CHECK(needed[0].front() == 512);
  CHECK(needed[1].front() == 64);
  CHECK(needed[2].front() == 512);
  CHECK(sparse_us(size) < dense_us(size));
  CHECK(sparse_us(size) > 0.5 * dense_us(size));
}

TEST_CASE(
    "declared sparsity is the share of multiply-adds that nobody needs; the executor skips what the batch lets it") {
  DepthSize size = encoder();
  size.keep_layers = {6};
  size.keep_shares = {0.5};
  const SparsitySummary packed = LayerStack(size).sparsity(on_a100());
  CHECK(packed.declared == doctest::Approx(0.5 * (1 - size.layer.macs(256) / size.layer.macs(512))));
  CHECK(packed.aligned_dispatch == doctest::Approx(1));
  size.rebatch = Rebatch::none;
  const SparsitySummary masked = LayerStack(size).sparsity(on_a100());
  CHECK(masked.declared == doctest::Approx(packed.declared));
  CHECK(masked.aligned_dispatch == doctest::Approx(0));
}

TEST_CASE("merging costs the similarities that pruning does not look at") {
  DepthSize size = encoder();
  size.keep_layers = {6};
  size.keep_shares = {0.5};
  const double pruned = sparse_us(size);
  size.merge = true;
  CHECK(sparse_us(size) > pruned);
  const auto passes = keep_passes(size, {8 * 512, 8, 8 * 256, 8}, on_a100());
  double similarity = 0;
  for (const Task& task : passes.front().tasks) similarity += passes.front().shapes[task.shape].useful_macs;
  CHECK(similarity == doctest::Approx(8.0 * 256 * 256 * 64));  // each half of a sequence against the other, one head
}

TEST_CASE("an encoder keeps no keys, a decoder writes those of every token") {
  const auto written = [](const Program& program) {
    double bytes = 0;
    for (const Stage& stage : program.stages)
      if (stage.launch->name == "cache write")
        for (const Task& task : stage.launch->tasks) bytes += stage.launch->shapes[task.shape].store_bytes;
    return bytes;
  };
  CHECK(written(LayerStack(encoder()).lower(on_a100())) == 0);
  // layers x requests x (keys and values) x heads x width x two bytes
  CHECK(written(LayerStack(decoder(16)).lower(on_a100())) == doctest::Approx(12.0 * 16 * 2 * 16 * 128 * 2));
}

TEST_CASE("equal layers share their launches: as many different ones as there are different batches") {
  const Program program = LayerStack(encoder()).lower(on_a100());
  std::set<const Launch*> different;
  for (const Stage& stage : program.stages) different.insert(stage.launch.get());
  CHECK(program.stages.size() == 12 * different.size());
}

TEST_CASE("what contradicts itself is a mistake with its reason") {
  CHECK(mistake("exit_layers: [2, 4], exit_shares: [0.5, 0.5]").empty());
  CHECK(mistake("exit_layers: [2, 4], exit_shares: [0.5]").find("as many exit_shares") != std::string::npos);
  CHECK(mistake("exit_layers: [2, 4], exit_shares: [0.8, 0.5]").find("more than 1") != std::string::npos);
  CHECK(mistake("keep_layers: [4, 2], keep_shares: [0.8, 0.5]").find("must rise") != std::string::npos);
  CHECK(mistake("keep_layers: [9], keep_shares: [0.5]").find("1 to 8") != std::string::npos);
  CHECK(mistake("skip_every: 2, keep_layers: [2], keep_shares: [0.5]").find("give one of") != std::string::npos);
  CHECK(mistake("phase: decode, skip_every: 2").find("only exit_layers") != std::string::npos);
  CHECK(mistake("phase: decode, causal: false").find("causal") != std::string::npos);
  CHECK(mistake("kv_heads: 3").find("multiple") != std::string::npos);
  CHECK(mistake("batch: 65536", "16777216").find("tokens") != std::string::npos);
}
