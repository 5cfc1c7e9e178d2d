// What is drawn on the host: masks, experts, lookups; and how rows and samples are handled. No GPU is needed.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "validate/measure/cuda/backend.h"
#include "validate/measure/cuda/expert_layer.h"
#include "validate/measure/cuda/fingerprint.h"
#include "validate/measure/cuda/graph_runner.h"
#include "validate/measure/cuda/host_device.h"
#include "validate/measure/cuda/lookups.h"
#include "validate/measure/cuda/masks.h"
#include "validate/measure/cuda/prober.h"
#include "validate/measure/cuda/routing.h"
#include "validate/measure/cuda/types.h"
#include "validate/measure/cuda/weight_kernels.h"
#include "validate/measure/harness/plan.h"

using namespace sparsesim::measure;

TEST_CASE("random numbers are uniform: mean 1/2 and variance 1/12 within five standard errors") {
  const int count = 100'000;
  double sum = 0, squares = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double value = random_unit(7, i);
    CHECK((value >= 0 && value < 1));
    sum += value;
    squares += (value - 0.5) * (value - 0.5);
  }
  CHECK(std::abs(sum / count - 0.5) < 5 * std::sqrt(1.0 / 12 / count));
  CHECK(std::abs(squares / count - 1.0 / 12) < 5 * std::sqrt(1.0 / 180 / count));
}

TEST_CASE("a mask stores its share of blocks, each once, in order") {
  const MaskSize size{.rows = 640, .columns = 960, .block_rows = 16, .block_columns = 32, .sparsity = 0.7};
  const BlockRows mask = draw_blocks(size, 3);
  CHECK(mask.rows == 40);
  CHECK(mask.columns == 30);
  CHECK(mask.offsets.back() == mask.stored());
  const double share = static_cast<double>(mask.stored()) / (40 * 30);
  CHECK(std::abs(share - 0.3) < 5 * std::sqrt(0.3 * 0.7 / (40 * 30)));
  const auto rows = mask.row_of_stored();
  for (std::size_t i = 1; i < rows.size(); ++i)
    CHECK((rows[i] > rows[i - 1] || (rows[i] == rows[i - 1] && mask.column[i] > mask.column[i - 1])));
}

TEST_CASE("rows of a Blocked-ELL mask store equally many blocks") {
  const BlockRows mask = draw_blocks(
      {.rows = 128, .columns = 4096, .block_rows = 32, .block_columns = 32, .sparsity = 0.9375, .equal_rows = true}, 9);
  for (std::size_t row = 0; row < 4; ++row) {
    CHECK(mask.offsets[row + 1] - mask.offsets[row] == 8);  // (1 - 0.9375) * 128
    for (int i = mask.offsets[row] + 1; i < mask.offsets[row + 1]; ++i)
      CHECK(mask.column[static_cast<std::size_t>(i)] > mask.column[static_cast<std::size_t>(i) - 1]);
  }
}

TEST_CASE("masks that cannot be are refused") {
  CHECK_THROWS_AS(draw_blocks({.rows = 100, .columns = 64, .block_rows = 16, .block_columns = 16}, 1), NotHere);
  CHECK_THROWS_AS(draw_blocks({.rows = 16, .columns = 16, .sparsity = 1}, 1), NotHere);
  CHECK_THROWS_AS(draw_blocks({.rows = 1 << 17, .columns = 1 << 17, .sparsity = 0.9}, 1), NotHere);
}

TEST_CASE("2:4 weights keep two of four, every pair as often") {
  int times[16] = {};
  for (std::uint64_t group = 0; group < 60'000; ++group) ++times[kept_pair(1, group)];
  for (unsigned mask = 0; mask < 16; ++mask) {
    const bool pair = __builtin_popcount(mask) == 2;
    CHECK(std::abs(times[mask] - (pair ? 10'000 : 0)) < (pair ? 500 : 1));
  }
}

TEST_CASE("experts take every token, none more than there are") {
  for (const char* routing : {"balanced", "uniform", "power_law:1.2", "zipf:1", "zipf:3"})
    for (const RoutingSize size : {RoutingSize{1, 8, 2}, RoutingSize{50, 12, 3}, RoutingSize{1000, 64, 8}}) {
      const auto counts = expert_counts(routing, size, 4);
      CHECK(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) == size.tokens * size.top_k);
      for (const std::int64_t count : counts) CHECK((count >= 0 && count <= size.tokens));
      const auto chosen = deal_experts(counts, size);
      CHECK(static_cast<std::int64_t>(chosen.size()) == size.tokens * size.top_k);
      std::vector<std::int64_t> dealt(counts.size());
      for (std::int64_t token = 0; token < size.tokens; ++token) {
        const auto first = chosen.begin() + token * size.top_k;
        CHECK(static_cast<std::int64_t>(std::set<std::int32_t>(first, first + size.top_k).size()) == size.top_k);
        for (auto expert = first; expert != first + size.top_k; ++expert) ++dealt[static_cast<std::size_t>(*expert)];
      }
      CHECK(dealt == counts);
    }
  const auto even = expert_counts("balanced", {1000, 64, 8}, 4);
  CHECK(*std::max_element(even.begin(), even.end()) - *std::min_element(even.begin(), even.end()) <= 1);
  CHECK_THROWS_AS(expert_counts("balanced", {10, 4, 5}, 1), NotHere);
  CHECK_THROWS_AS(expert_counts("zipf:x", {10, 4, 2}, 1), NotHere);
}

TEST_CASE("logits rank the chosen experts first") {
  const ExpertLayer layer{.tokens = 40, .hidden = 8, .intermediate = 8, .experts = 16, .top_k = 3};
  const RoutingSize size{40, 16, 3};
  const auto chosen = deal_experts(expert_counts("zipf:1", size, 2), size);
  const auto logits = logits_for(chosen, layer, 5);
  for (int token = 0; token < 40; ++token) {
    std::vector<int> order(16);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int a, int b) {
      return logits[static_cast<std::size_t>(token * 16 + a)] > logits[static_cast<std::size_t>(token * 16 + b)];
    });
    const auto first = chosen.begin() + token * 3;
    CHECK(std::set<int>(order.begin(), order.begin() + 3) == std::set<int>(first, first + 3));
  }
}

TEST_CASE("lookups: uniform ones meet every row alike, Zipf's meet the first rank far more; lists name them all") {
  const auto uniform = draw_lookups("uniform", 100'000, 10, 3);
  for (int row = 0; row < 10; ++row)
    CHECK(std::abs(static_cast<double>(std::count(uniform.begin(), uniform.end(), row)) - 10'000) < 500);
  const auto zipf = draw_lookups("zipf:1", 100'000, 1000, 3);  // rank 1 is row 0: ln 2 / ln 1001 of the continuous law
  CHECK(static_cast<double>(std::count(zipf.begin(), zipf.end(), 0)) / 1e5 ==
        doctest::Approx(std::log(2) / std::log(1001)).epsilon(0.05));
  const BagsOfRows lists = bags_of_rows(zipf, 100, 1000);
  for (std::int64_t row = 0; row < 1000; ++row)
    for (std::int64_t i = lists.begin[static_cast<std::size_t>(row)];
         i < lists.begin[static_cast<std::size_t>(row) + 1]; ++i) {
      const auto bag = zipf.begin() + std::int64_t{lists.bag[static_cast<std::size_t>(i)]} * 100;
      CHECK(std::find(bag, bag + 100, row) != bag + 100);
    }
  CHECK(lists.begin.back() == 100'000);
  CHECK_THROWS_AS(draw_lookups("zipf", 1, 1, 1), NotHere);
}

TEST_CASE("every row of the standard plan is one that the backend takes") {
  const auto rows = read_plan(SPARSESIM_SOURCE_DIR "/validate/measure/suites/cuda-standard.csv");
  CHECK(rows.size() > 50);
  std::set<std::string> keys;
  for (const PlanRow& row : rows) {
    INFO(row.id);
    CHECK_NOTHROW(keys.insert(key_of(row)));
  }
  CHECK(keys.size() < rows.size());  // some share a baseline
}

TEST_CASE("rows that no kernel takes are left out by name") {
  const auto row = [](const std::string& fields) {
    return read_plan_text("id,device,devices,op,m,n,k,dtype,pattern,sparsity,params,kernel\na,gpu," + fields + "\n",
                          "plan")
        .front();
  };
  CHECK_THROWS_AS(key_of(row("1,gemm,8,8,8,int4,dense,,,")), NotHere);
  CHECK_THROWS_AS(key_of(row("2,gemm,8,8,8,fp16,dense,,,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,all_to_all,8,8,8,fp16,,,,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,spmm,8,8,8,fp16,unstructured,,,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,spmm,8,8,8,fp16,block,0.5,,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,spmm,8,8,8,fp16,block,0.5,block=4x,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,spmm,8,8,8,fp16,unstructured,0.5,mask=dlmc:a,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,attention,,,,fp16,window,,head_dim=64;heads=2;seq=64,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,attention,,,,fp16,dense,,head_dim=96;heads=2;seq=64,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,attention,,,,fp16,block_mask,0.5,block=32;head_dim=64;heads=2;seq=64,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,embedding_bag,,,,fp16,,,bags=1;dim=4;pooling=1;rows=9,")), NotHere);
  CHECK_THROWS_AS(key_of(row("1,moe_ffn,8,8,8,bf16,experts,,experts=4;top_k=5,")), NotHere);
  CHECK(key_of(row("1,spmm,8,8,8,fp16,unstructured,0.5,,")) == key_of(row("1,spmm,8,8,8,fp16,2:4,,,")));
}

TEST_CASE("products round and add as their types do") {
  CHECK(product_type("bf16").rounding == 0x1p-7);  // 8 bits: the unit in the last place is 2^-7 of the number
  CHECK(product_type("fp16").rounding == 0x1p-10);
  CHECK(product_type("int8").out == Type::int32);
  for (const char* name : {"fp32", "tf32", "fp16", "bf16", "fp8", "int8"}) {
    const ProductType type = product_type(name);
    CHECK(bytes_of(type.in) == type.in_bytes);
    CHECK(bytes_of(type.out) == type.out_bytes);
  }
}

TEST_CASE("a graph takes two milliseconds of calls, and graphs give every copy its turn") {
  CHECK(calls_in_graph(1e-3) == 2);
  CHECK(calls_in_graph(10e-3) == 1);
  CHECK(calls_in_graph(1e-6) == 512);
  CHECK(graphs_for(1024, 512) == 2);
  CHECK(graphs_for(3, 2) == 2);
  CHECK(graphs_for(2, 512) == 1);
}

TEST_CASE("two latencies are told apart, one is one") {
  const auto [low, high] = two_means({200, 202, 400, 198, 404, 396});
  CHECK(low == doctest::Approx(200));
  CHECK(high == doctest::Approx(400));
  const auto [one, same] = two_means({7, 7, 7});
  CHECK(one == 7);
  CHECK(same == 7);
}

TEST_CASE("a chase meets every place before it comes back") {
  for (const std::uint32_t count : {1u, 2u, 3u, 1000u}) {
    const auto next = random_cycle(count, 4, 11);
    std::uint32_t at = 0;
    for (std::uint32_t step = 1; step < count; ++step) {
      at = next[at];
      CHECK(at != 0);
    }
    CHECK(next[at] == 0);
  }
}

TEST_CASE("spreads hold the low quantile and the median") {
  const Spread spread = spread_of({1e-6, 2e-6, 3e-6, 4e-6, 5e-6, 6e-6, 7e-6, 8e-6, 9e-6, 10e-6, 11e-6},
                                  [](double seconds) { return 1 / seconds; });
  CHECK(spread.value == doctest::Approx(0.5e6));   // the second fastest of eleven
  CHECK(spread.low == doctest::Approx(1 / 6e-6));  // the median
  CHECK(spread.high == doctest::Approx(0.5e6));
}

TEST_CASE("a device is named, and based on the nearest shipped one") {
  CHECK(machine_name("NVIDIA H100 80GB HBM3") == "nvidia-h100-80gb-hbm3");
  CHECK(nearest_machine("NVIDIA H100 80GB HBM3", 90, std::size_t{80} << 30) == "h100-sxm5-80gb");
  CHECK(nearest_machine("NVIDIA H200", 90, std::size_t{140} << 30) == "h200-sxm-141gb");
  CHECK(nearest_machine("NVIDIA A100-SXM4-40GB", 80, std::size_t{39} << 30) == "a100-sxm4-40gb");
  CHECK(nearest_machine("NVIDIA A100-SXM4-80GB", 80, std::size_t{79} << 30) == "a100-sxm4-80gb");
  CHECK(nearest_machine("NVIDIA B200", 100, std::size_t{180} << 30) == "b200-sxm-180gb");
  CHECK(nearest_machine("NVIDIA RTX A6000", 86, std::size_t{48} << 30) == "rtx-3090");
}

TEST_CASE("without a GPU there is one line that says so") {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess && count > 0) return;
  try {
    Device device;
    FAIL("a device was opened");
  } catch (const NoDevice& error) {
    const std::string text = error.what();
    CHECK(text.starts_with("no GPU"));
    CHECK(text.find('\n') == std::string::npos);
  }
}
