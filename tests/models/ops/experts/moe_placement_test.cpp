// Laws of expert replication, placement and expert choice, and the published cases of skewed routing.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "models/compute/player.h"
#include "models/ops/experts/moe.h"

using namespace sparsesim;

namespace {

const Substrate& h100() {
  static const SearchPath search{{std::string(SPARSESIM_SOURCE_DIR) + "/substrates"}};
  static const Substrate loaded = load_substrate("h100-sxm5-80gb", search);
  return loaded;
}

MoeSpec layer(std::int64_t tokens, int devices, const char* routing) {
  MoeSpec spec;
  spec.tokens = tokens;
  spec.hidden = 2048;
  spec.intermediate = 768;
  spec.experts = 64;
  spec.top_k = 4;
  spec.devices = devices;
  spec.routing = parse_routing(routing);
  return spec;
}

/// DeepSeek-V3's expert layer (hidden 7168, 256 experts of 2048, top-8), here in bf16.
MoeSpec deepseek(std::int64_t tokens, int devices, const char* routing) {
  MoeSpec spec = layer(tokens, devices, routing);
  spec.hidden = 7168;
  spec.intermediate = 2048;
  spec.experts = 256;
  spec.top_k = 8;
  return spec;
}

double total(const MoeSpec& spec, double TaskShape::*macs) {
  double sum = 0;
  for (const Stage& stage : MoeFfn(spec).lower({h100(), {}, 1}).stages)
    if (stage.launch)
      for (const Task& task : stage.launch->tasks) sum += stage.launch->shapes[task.shape].*macs;
  return sum;
}

/// The two grouped products of the slowest device.
double heaviest_products_us(const MoeSpec& spec, std::uint64_t seed = 1) {
  std::map<int, double> devices;
  for (const Stage& stage : MoeFfn(spec).lower({h100(), {}, seed}).stages)
    if (stage.launch && (stage.launch->name == "moe_up" || stage.launch->name == "moe_down"))
      devices[stage.device] += play(*stage.launch, h100(), {}).time.us();
  double most = 0;
  for (const auto& [device, us] : devices) most = std::max(most, us);
  return most;
}

std::vector<std::int64_t> loads(const std::vector<ExpertCopy>& copies, int devices) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(devices));
  for (const ExpertCopy& copy : copies) rows[static_cast<std::size_t>(copy.device)] += copy.rows;
  return rows;
}

std::int64_t most(const std::vector<std::int64_t>& values) { return *std::max_element(values.begin(), values.end()); }

}  // namespace

TEST_CASE("copies conserve tokens: the shares of an expert's copies add up to its tokens, even within one") {
  for (const std::int64_t replicas : {0, 1, 8, 40}) {
    MoeSpec spec = layer(1000, 8, "power_law:1.2");
    spec.placement = Placement::balanced;
    spec.replicas = replicas;
    const MoeFfn op(spec);
    const Capacity capacity = op.capacity({h100(), {}, 1});
    const auto copies = op.copies(capacity.counts);
    CHECK(static_cast<std::int64_t>(copies.size()) == 64 + replicas);
    std::map<std::int64_t, std::vector<std::int64_t>> by_expert;
    std::vector<std::int64_t> slots(8);
    std::set<std::pair<std::int64_t, int>> places;
    for (const ExpertCopy& copy : copies) {
      by_expert[copy.expert].push_back(copy.rows);
      ++slots[static_cast<std::size_t>(copy.device)];
      places.emplace(copy.expert, copy.device);
    }
    for (std::size_t e = 0; e < 64; ++e) {
      const auto& rows = by_expert[static_cast<std::int64_t>(e)];
      CHECK(std::accumulate(rows.begin(), rows.end(), std::int64_t{0}) == capacity.counts[e]);
      CHECK(most(rows) - *std::min_element(rows.begin(), rows.end()) <= 1);
    }
    CHECK(most(slots) <= (64 + replicas + 7) / 8);
    CHECK(places.size() == copies.size());  // no device holds an expert twice
    CHECK(total(spec, &TaskShape::useful_macs) == doctest::Approx(1000.0 * 4 * 3 * 2048 * 768));
  }
}

TEST_CASE("knowing the loads evens them out, and copies of hot experts more so") {
  MoeSpec spec = layer(16384, 8, "zipf:1.2");
  const auto counts = MoeFfn(spec).capacity({h100(), {}, 1}).counts;
  const std::int64_t contiguous = most(loads(MoeFfn(spec).copies(counts), 8));
  spec.placement = Placement::balanced;
  const std::int64_t balanced = most(loads(MoeFfn(spec).copies(counts), 8));
  spec.replicas = 16;
  const std::int64_t replicated = most(loads(MoeFfn(spec).copies(counts), 8));
  CHECK(balanced < contiguous);
  CHECK(replicated < balanced);
  CHECK(replicated >= 16384 * 4 / 8);  // an eighth of all slots
  CHECK(static_cast<double>(replicated) < 1.05 * 16384 * 4 / 8);
}

TEST_CASE("an expert has at most one copy per device") {
  MoeSpec spec = layer(64, 4, "counts:[64, 64, 64, 64]");
  spec.routing.counts.resize(64);
  spec.placement = Placement::balanced;
  spec.replicas = 16;
  std::vector<int> copies(64);
  for (const ExpertCopy& copy : MoeFfn(spec).copies(spec.routing.counts))
    ++copies[static_cast<std::size_t>(copy.expert)];
  CHECK(*std::max_element(copies.begin(), copies.end()) == 4);
}

TEST_CASE("expert choice: every expert serves the same, nothing is dropped, and no device waits") {
  MoeSpec spec = layer(4096, 8, "expert_choice");
  const Capacity capacity = MoeFfn(spec).capacity({h100(), {}, 1});
  CHECK(most(capacity.counts) == 4096 * 4 / 64);
  CHECK(*std::min_element(capacity.counts.begin(), capacity.counts.end()) == 4096 * 4 / 64);
  CHECK(capacity.dropped == 0);
  CHECK(heaviest_products_us(spec) == doctest::Approx(heaviest_products_us(layer(4096, 8, "balanced"))));
  CHECK(heaviest_products_us(spec) < heaviest_products_us(layer(4096, 8, "zipf:0.8")));
  // Independent choices of 4 of 64 experts' shares leave (1 - 1/16)^64 of the tokens alone.
  CHECK(expected_untaken_share({4096, 64, 4}) == doctest::Approx(0.01609).epsilon(1e-3));
  CHECK(expected_untaken_share({4096, 4, 4}) == 0);
}

TEST_CASE("few tokens of a random router touch as many experts as drawing predicts") {
  // Of 256 experts, 16 tokens with 8 each miss one with probability (1 - 8/256)^16 = 0.60.
  double distinct = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    distinct +=
        static_cast<double>(distinct_experts(route(parse_routing("uniform"), {16, 256, 8}, {seed, false}))) / 20;
  CHECK(distinct == doctest::Approx(256 * (1 - std::pow(1 - 8.0 / 256, 16))).epsilon(0.03));
  CHECK(distinct_experts({0, 3, 0, 1}) == 2);
}

TEST_CASE("published: tiles of 16 rows multiply five times the rows that few tokens per expert have") {
  // FlagGems issue 5027: 816 rows of 256 experts in tiles of 16 are 4096 rows.
  MoeSpec spec = deepseek(102, 1, "balanced");
  spec.kernel = "vllm_fused_moe";  // 16 rows while tokens <= experts
  CHECK(total(spec, &TaskShape::issued_macs) / total(spec, &TaskShape::useful_macs) == doctest::Approx(4096.0 / 816));
}

TEST_CASE("published: on 32 devices a skewed router makes the heaviest device slower, more so the more tokens") {
  // H100, power law 1.2 against balanced, in FP8: 1.4, 2.9 and 4.1 times at 1024, 4096 and 16384 tokens.
  double before = 1;
  for (const std::int64_t tokens : {1024, 4096, 16384}) {
    double skewed = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed)
      skewed += heaviest_products_us(deepseek(tokens, 32, "power_law:1.2"), seed) / 4;
    const double ratio = skewed / heaviest_products_us(deepseek(tokens, 32, "balanced"));
    CHECK(ratio > before);
    before = ratio;
  }
  CHECK(before > 2);
}

TEST_CASE("published: on one device few tokens are faster with a skewed router, which reads fewer experts") {
  // 16 tokens: 0.69 times.
  const double ratio =
      heaviest_products_us(deepseek(16, 1, "power_law:1.2")) / heaviest_products_us(deepseek(16, 1, "balanced"));
  CHECK(ratio > 0.5);
  CHECK(ratio < 0.9);
}

TEST_CASE("facts: choices dropped, experts touched, load of the fullest device, tokens that no expert takes") {
  const auto fact = [](const MoeSpec& spec, const std::string& name) {
    for (const SparsityFact& known : MoeFfn(spec).sparsity({h100(), {}, 1}).facts)
      if (known.name == name) return known.value;
    return -1.0;
  };
  MoeSpec spec = layer(4, 4, "counts:[4, 4, 4, 4]");
  spec.routing.counts.resize(64);  // all on the first of four devices
  CHECK(fact(spec, "distinct_experts") == 4);
  CHECK(fact(spec, "largest_load") == 4);
  CHECK(fact(spec, "dropped_share") == -1);
  spec.capacity_factor = 2;  // ceil(2 * 16 / 64) = 1 row each
  CHECK(fact(spec, "dropped_share") == 12.0 / 16);
  CHECK(fact(layer(4096, 1, "expert_choice"), "untaken_share") == expected_untaken_share({4096, 64, 4}));
}

TEST_CASE("placements that contradict each other are refused by name") {
  const auto refused = [](MoeSpec spec, const char* message) {
    CHECK_THROWS_WITH_AS(MoeFfn{std::move(spec)}, doctest::Contains(message), UnsupportedError);
  };
  MoeSpec spec = layer(64, 4, "balanced");
  spec.replicas = 2;
  refused(spec, "replicas need placement: balanced");
  spec.placement = Placement::balanced;
  spec.replicas = 64 * 3 + 1;
  refused(spec, "192 further copies at most");
  spec.replicas = 2;
  spec.capacity_pads = true;
  refused(spec, "not split among replicas");
  spec = layer(64, 4, "expert_choice");
  spec.capacity_factor = 1.25;
  refused(spec, "no capacity to exceed");
}
