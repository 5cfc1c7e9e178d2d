// Products of experts and whole expert layers: grouped_gemm, moe_ffn.

#include <algorithm>
#include <cstdint>

#include "validate/measure/cuda/dense_product.h"
#include "validate/measure/cuda/expert_layer.h"
#include "validate/measure/cuda/families.h"
#include "validate/measure/cuda/operand_kernels.h"
#include "validate/measure/cuda/product_error.h"
#include "validate/measure/cuda/routing.h"

namespace sparsesim::measure {
namespace {

RoutingSize routing_size(const PlanRow& row) {
  return {row.m, row.integer("experts", 0), row.op == "moe_ffn" ? row.integer("top_k", 0) : 1};
}

std::string expert_key(const PlanRow& row) {
  const RoutingSize size = routing_size(row);
  return row.op + " " + std::to_string(row.m) + " " + std::to_string(row.n) + " " + std::to_string(row.k) + " " +
         row.dtype + " " + std::to_string(size.experts) + " " + std::to_string(size.top_k) +
         (row.integer("gated", 1) != 0 ? " gated" : "");
}

void check_expert_row(const PlanRow& row) {
  if (row.dtype != "fp16" && row.dtype != "bf16") throw NotHere("experts are measured in fp16 and bf16");
  if (row.m < 1 || row.n < 8 || row.k < 8 || row.n % 8 != 0 || row.k % 8 != 0)
    throw NotHere("experts need m, and n and k that are multiples of 8");
  const RoutingSize size = routing_size(row);
  if (size.experts > kExpertsMost || size.top_k > kTopMost)
    throw NotHere("more than 1024 experts, or more than 32 taken");
  if (row.devices > 1) throw NotHere("experts are measured on one device");
  if (row.integer("shared_experts", 0) > 0) throw NotHere("shared experts are not measured");
  if (row.m * size.top_k > INT32_MAX / 2) throw NotHere("too many tokens");
  expert_counts(row.text("routing", "balanced"), {std::min<std::int64_t>(row.m, 64), size.experts, size.top_k}, 1);
}

/// One grouped product with its operands.
class GroupedProduct {
 public:
  GroupedProduct(const Device& device, const PlanRow& row, const std::vector<std::int64_t>& counts, GroupedWay way,
                 std::uint64_t seed)
      : device_(device),
        m_(row.m),
        n_(row.n),
        k_(row.k),
        seed_(seed),
        type_(product_type(row.dtype)),
        matmul_(device, counts, row.n, row.k, type_, way),
        operands_(device, {elements(m_ * k_), elements(static_cast<std::int64_t>(counts.size()) * n_ * k_),
                           elements(m_ * n_)}) {
    check(fill_random(operands_.at(0, 0), type_.in, m_ * k_, seed + 1, device.stream));
    check(fill_random(operands_.at(0, 1), type_.in, static_cast<std::int64_t>(counts.size()) * n_ * k_, seed + 2,
                      device.stream));
    operands_.spread(device.stream);
    for (int copy = 0; copy < copies(); ++copy)
      matmul_.add(operands_.at(copy, 0), operands_.at(copy, 1), operands_.at(copy, 2));
    std::vector<std::int32_t> group_of_row;
    for (std::size_t group = 0; group < counts.size(); ++group)
      group_of_row.insert(group_of_row.end(), static_cast<std::size_t>(counts[group]),
                          static_cast<std::int32_t>(group));
    group_of_row_ = to_device(group_of_row);
  }

  int copies() const { return operands_.copies(); }
  void enqueue(int copy) const { matmul_.enqueue(copy); }
  void reset() const { check(cudaMemsetAsync(operands_.at(0, 2), 0xff, operands_.bytes(2), device_.stream)); }
  double error() const {
    return product_error(device_, type_,
                         {.m = m_,
                          .n = n_,
                          .k = k_,
                          .x = {operands_.at(0, 0), type_.in, k_, 1},
                          .w = {operands_.at(0, 1), type_.in, k_, 1},
                          .out = {operands_.at(0, 2), type_.out, n_, 1},
                          .group_of_row = group_of_row_.as<std::int32_t>(),
                          .group_stride = n_ * k_,
                          .seed = seed_});
  }

 private:
  static std::size_t elements(std::int64_t count) { return static_cast<std::size_t>(count) * 2; }

  const Device& device_;
  std::int64_t m_, n_, k_;
  std::uint64_t seed_;
  ProductType type_;
  GroupedMatmul matmul_;
  Operands operands_;  // rows [m, k] by expert, weights [experts, n, k], results [m, n]
  DeviceMemory group_of_row_;
};

ExpertLayer layer_of(const PlanRow& row) {
  return {.tokens = static_cast<std::int32_t>(row.m),
          .hidden = static_cast<std::int32_t>(row.k),
          .intermediate = static_cast<std::int32_t>(row.n),
          .experts = static_cast<std::int32_t>(row.integer("experts", 0)),
          .top_k = static_cast<std::int32_t>(row.integer("top_k", 0)),
          .gated = row.integer("gated", 1) != 0,
          .type = row.dtype == "fp16" ? Type::fp16 : Type::bf16};
}

/// Rows that share sizes; they may differ in their routing.
class Experts : public Problem {
 public:
  Experts(const PlanRow& row, const Device& device, std::uint64_t seed) : device_(device), row_(row), seed_(seed) {}

  std::vector<std::unique_ptr<Runner>> runners(const PlanRow& row) override {
    std::vector<std::unique_ptr<Runner>> runners;
    for (const GroupedWay way : {GroupedWay::grouped, GroupedWay::per_expert}) runners.push_back(make(row, way));
    return runners;
  }

  std::vector<std::unique_ptr<Runner>> baselines() override {
    std::vector<std::unique_ptr<Runner>> runners;
    if (row_.op == "moe_ffn") {
      runners.push_back(make_dense_layer_runner(device_, layer_of(row_), seed_));
    } else {
      const std::int64_t experts = row_.integer("experts", 0);
      runners.push_back(
          make_dense_runner(device_, {row_.m, row_.n * experts, row_.k}, product_type(row_.dtype), seed_));
    }
    return runners;
  }

 private:
  std::unique_ptr<Runner> make(const PlanRow& row, GroupedWay way) const {
    const RoutingSize size = routing_size(row);
    const auto counts = expert_counts(row.text("routing", "balanced"), size, seed_ + 7);
    if (row.op == "moe_ffn")
      return make_expert_layer_runner(device_, layer_of(row), counts, deal_experts(counts, size), way, seed_);
    const auto product = std::make_shared<GroupedProduct>(device_, row, counts, way, seed_);
    return make_runner(device_, way == GroupedWay::grouped ? "library:cublas_grouped" : "library:per_expert", product);
  }

  const Device& device_;
  PlanRow row_;
  std::uint64_t seed_;
};

}  // namespace

extern const ProblemFamily kGroupedGemm, kMoeFfn;
const ProblemFamily kGroupedGemm = {"grouped_gemm", "library:cublas_grouped, library:per_expert (experts)",
                                    check_expert_row, expert_key, make_problem<Experts>};
const ProblemFamily kMoeFfn = {"moe_ffn", "library:cublas_grouped, library:per_expert (experts)", check_expert_row,
                               expert_key, make_problem<Experts>};

}  // namespace sparsesim::measure
