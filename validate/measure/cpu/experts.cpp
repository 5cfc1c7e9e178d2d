#include "validate/measure/cpu/experts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sim/core/random.h"
#include "validate/measure/cpu/library_runners.h"
#include "validate/measure/cpu/products_operands.h"
#include "validate/measure/cpu/rotation.h"
#include "validate/measure/cpu/row_sizes.h"
#include "validate/measure/cpu/timed_runner.h"

namespace sparsesim::measure {
namespace {

constexpr std::int64_t kExpertsOfProductMost = 4096;

struct GroupedSizes {
  std::int64_t m = 0, n = 0, k = 0, experts = 1;
  DenseType type = DenseType::fp32;
  std::string routing;

  double weight_bytes() const {
    return static_cast<double>(experts) * static_cast<double>(n) * static_cast<double>(k) *
           static_cast<double>(operand_bytes(type));
  }
};

GroupedSizes read_grouped_sizes(const PlanRow& row) {
  GroupedSizes sizes;
  sizes.m = checked_size("m", row.m, kExpertSizeMost);
  sizes.n = checked_size("n", row.n, kExpertSizeMost);
  sizes.k = checked_size("k", row.k, kExpertSizeMost);
  sizes.experts = size_param(row, "experts", kExpertsOfProductMost);
  sizes.type = dense_type(row.dtype);
  sizes.routing = row.text("routing", "balanced");
  return sizes;
}

void check_grouped_row(const PlanRow& row, const CpuContext& context) {
  if (!row.pattern.empty() && row.pattern != "experts")
    throw NotHere("a grouped product has no pattern " + row.pattern);
  const GroupedSizes sizes = read_grouped_sizes(row);
  const auto counts = draw_counts(sizes.routing, sizes.m, sizes.experts, 1, 1);
  const auto used =
      static_cast<double>(std::count_if(counts.begin(), counts.end(), [](auto rows) { return rows > 0; }));
  // Two libraries have copies of the weights by expert, of which only those with rows count, and side by side.
  const double weights = sizes.weight_bytes(), read = weights * used / static_cast<double>(sizes.experts);
  const auto copies = rotation_copies(static_cast<std::size_t>(read), context);
  const auto wide_copies = rotation_copies(static_cast<std::size_t>(weights), context);
  const double wide = static_cast<double>(sizes.m) * static_cast<double>(sizes.n * sizes.experts);
  require_memory(2 * static_cast<double>(copies + wide_copies) * weights +
                 2 * static_cast<double>(wide_copies) * wide * static_cast<double>(result_bytes(sizes.type)));
}

std::string grouped_key(const PlanRow& row) {
  const GroupedSizes sizes = read_grouped_sizes(row);
  return "grouped_gemm/" + row.dtype + "/" + sizes.routing + "/" + std::to_string(sizes.m) + "/" +
         std::to_string(sizes.n) + "/" + std::to_string(sizes.k) + "/" + std::to_string(sizes.experts);
}

/// What the kernels of a problem agree on: sizes, rows of experts, and elements as functions of their places.
struct GroupedData {
  GroupedSizes sizes;
  CpuContext context;
  std::uint64_t seed;
  std::vector<std::int64_t> counts;     // [experts]
  std::vector<std::int64_t> expert_of;  // [m]

  double element(std::int64_t row, std::int64_t k) const { return random_element(sizes.type, seed, row * sizes.k + k); }
  double weight(std::int64_t expert, std::int64_t k, std::int64_t n) const {
    return random_element(sizes.type, seed + 1, (expert * sizes.k + k) * sizes.n + n);
  }
  /// Bytes that a call reads where every expert's weights, or only those with rows, are read.
  double read_bytes(bool all_experts) const {
    const auto used = std::count_if(counts.begin(), counts.end(), [](std::int64_t count) { return count > 0; });
    const double share = all_experts ? 1 : static_cast<double>(used) / static_cast<double>(counts.size());
    return sizes.weight_bytes() * share +
           static_cast<double>(sizes.m * sizes.k) * static_cast<double>(operand_bytes(sizes.type));
  }
  Buffer<std::byte> draw_rows() const {
    Buffer<std::byte> rows(static_cast<std::size_t>(sizes.m * sizes.k) * operand_bytes(sizes.type));
    for (std::int64_t row = 0; row < sizes.m; ++row)
      for (std::int64_t k = 0; k < sizes.k; ++k)
        store_element(sizes.type, rows.data(), row * sizes.k + k, element(row, k));
    return rows;
  }
};

/// One copy of the operands in a library's layout, with its results.
struct GroupedOperands {
  Buffer<std::byte> rows, weights;
  mutable Buffer<std::byte> results;
};

/// max |result - reference| / (tolerance * sum |x w|) over results drawn by the seed; reference in double. `result`
/// gives the result of (row, expert, n); `own_only`: only of the row's own expert.
double grouped_error(const GroupedData& data, bool own_only,
                     const std::function<double(std::int64_t, std::int64_t, std::int64_t)>& result) {
  const GroupedSizes& sizes = data.sizes;
  const double tolerance = sizes.type == DenseType::fp32 ? 1e-5 : sizes.type == DenseType::bf16 ? 1e-2 : 0;
  const std::int64_t all = sizes.m * sizes.n, checked = std::min(all, kCheckedResults);
  RandomStream stream(data.seed, "measure/grouped check");
  LargestError error(1);
  for (std::int64_t i = 0; i < checked; ++i) {
    const std::int64_t place = checked < all ? stream.below(all) : i, row = place / sizes.n, n = place % sizes.n;
    const std::int64_t own = data.expert_of[static_cast<std::size_t>(row)];
    const std::int64_t expert = own_only ? own : stream.below(sizes.experts);
    double sum = 0, size = 0;
    for (std::int64_t k = 0; k < sizes.k; ++k) {
      const double product = data.element(row, k) * data.weight(expert, k, n);
      sum += product;
      size += std::abs(product);
    }
    const double allowed = sizes.type == DenseType::int8 ? 0.5 : tolerance * size;
    error.compare(result(row, expert, n) / allowed, sum / allowed);
  }
  return error.largest();
}

class GroupedRunner : public TimedRunner {
 public:
  GroupedRunner(const std::string& library, std::shared_ptr<const GroupedData> data)
      : TimedRunner("library:" + library + "_per_expert"),
        data_(std::move(data)),
        products_(library, data_->sizes.m / data_->sizes.experts, data_->sizes.n, data_->sizes.k, data_->sizes.type,
                  data_->context),
        operands_(draw(), static_cast<std::size_t>(data_->read_bytes(false)), data_->context) {
    products_.make_ready(data_->counts);
  }
  double error() override {
    const GroupedOperands& operands = operands_.next();
    std::fill(operands.results.begin(), operands.results.end(), std::byte{0xff});  // no number in floats
    multiply(operands);
    return grouped_error(*data_, true, [&](std::int64_t row, std::int64_t, std::int64_t n) {
      return load_result(data_->sizes.type, operands.results.data(), row * data_->sizes.n + n);
    });
  }

 private:
  void call() override { multiply(operands_.next()); }
  void multiply(const GroupedOperands& operands) {
    products_.run(data_->counts, operands.rows.data(), operands.weights.data(), operands.results.data());
  }
  GroupedOperands draw() {
    const GroupedSizes& sizes = data_->sizes;
    GroupedOperands operands;
    operands.rows = data_->draw_rows();
    operands.weights = Buffer<std::byte>(static_cast<std::size_t>(sizes.experts) * products_.expert_bytes());
    operands.results = Buffer<std::byte>(static_cast<std::size_t>(sizes.m * sizes.n) * result_bytes(sizes.type));
    Buffer<std::byte> plain(static_cast<std::size_t>(sizes.k * sizes.n) * operand_bytes(sizes.type));
    for (std::int64_t expert = 0; expert < sizes.experts; ++expert) {
      for (std::int64_t k = 0; k < sizes.k; ++k)
        for (std::int64_t n = 0; n < sizes.n; ++n)
          store_element(sizes.type, plain.data(), k * sizes.n + n, data_->weight(expert, k, n));
      products_.prepare(plain.data(), operands.weights.data(), expert);
    }
    return operands;
  }
  std::shared_ptr<const GroupedData> data_;
  ExpertProducts products_;
  Rotation<GroupedOperands> operands_;
};

/// Every row by every expert's weights: one product with [k, experts n].
class EveryExpertRunner : public TimedRunner {
 public:
  EveryExpertRunner(const std::string& library, std::shared_ptr<const GroupedData> data)
      : TimedRunner("library:" + library),
        data_(std::move(data)),
        product_(make_dense(library, shape(), data_->context)),
        operands_(draw(), static_cast<std::size_t>(data_->read_bytes(true)), data_->context) {}
  double error() override {
    const GroupedOperands& operands = operands_.next();
    std::fill(operands.results.begin(), operands.results.end(), std::byte{0xff});
    multiply(operands);
    return grouped_error(*data_, false, [&](std::int64_t row, std::int64_t expert, std::int64_t n) {
      return load_result(data_->sizes.type, operands.results.data(), row * width() + expert * data_->sizes.n + n);
    });
  }

 private:
  void call() override { multiply(operands_.next()); }
  void multiply(const GroupedOperands& operands) {
    product_->run(operands.rows.data(), operands.weights.data(), operands.results.data());
  }
  std::int64_t width() const { return data_->sizes.experts * data_->sizes.n; }
  DenseShape shape() const {
    DenseShape shape;
    shape.m = data_->sizes.m;
    shape.n = width();
    shape.k = data_->sizes.k;
    shape.type = data_->sizes.type;
    shape.fixed = Fixed::right;
    return shape;
  }
  GroupedOperands draw() {
    const GroupedSizes& sizes = data_->sizes;
    GroupedOperands operands;
    operands.rows = data_->draw_rows();
    operands.results = Buffer<std::byte>(static_cast<std::size_t>(sizes.m * width()) * result_bytes(sizes.type));
    Buffer<std::byte> plain(static_cast<std::size_t>(sizes.k * width()) * operand_bytes(sizes.type));
    for (std::int64_t k = 0; k < sizes.k; ++k)
      for (std::int64_t column = 0; column < width(); ++column)
        store_element(sizes.type, plain.data(), k * width() + column,
                      data_->weight(column / sizes.n, k, column % sizes.n));
    operands.weights = Buffer<std::byte>(product_->prepared_bytes());
    product_->prepare(plain.data(), operands.weights.data());
    return operands;
  }
  std::shared_ptr<const GroupedData> data_;
  std::unique_ptr<DenseKernel> product_;
  Rotation<GroupedOperands> operands_;
};

class GroupedProblem : public Problem {
 public:
  GroupedProblem(const PlanRow& row, const CpuContext& context, std::uint64_t seed) {
    GroupedData data{read_grouped_sizes(row), context, seed, {}, {}};
    data.counts = draw_counts(data.sizes.routing, data.sizes.m, data.sizes.experts, 1, seed);
    for (std::size_t expert = 0; expert < data.counts.size(); ++expert)
      data.expert_of.insert(data.expert_of.end(), static_cast<std::size_t>(data.counts[expert]),
                            static_cast<std::int64_t>(expert));
    data_ = std::make_shared<const GroupedData>(std::move(data));
  }
  std::vector<std::unique_ptr<Runner>> runners(const PlanRow&) override {
    return library_runners<GroupedRunner>(data_);
  }
  std::vector<std::unique_ptr<Runner>> baselines() override { return library_runners<EveryExpertRunner>(data_); }

 private:
  std::shared_ptr<const GroupedData> data_;
};

}  // namespace

ProblemFamily grouped_gemm_family() {
  return {"grouped_gemm", check_grouped_row, grouped_key, make_problem<GroupedProblem>};
}

}  // namespace sparsesim::measure
