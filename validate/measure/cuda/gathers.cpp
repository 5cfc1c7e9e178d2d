// Embedding bags: gathered, and as one scan of the table.

#include <algorithm>

#include "validate/measure/cuda/families.h"
#include "validate/measure/cuda/gather_kernels.h"
#include "validate/measure/cuda/graph_runner.h"
#include "validate/measure/cuda/lookups.h"
#include "validate/measure/cuda/operand_kernels.h"
#include "validate/measure/cuda/types.h"
#include "validate/measure/cuda/worst.h"

namespace sparsesim::measure {
namespace {

constexpr std::int64_t kCheckedElements = 1 << 16;

struct BagSizes {
  std::int64_t tables, bags, pooling, rows, dim, index_bytes;
};

/// Keys as params, or as a product: m bags, n dim, k rows of the table.
BagSizes bag_sizes(const PlanRow& row) {
  return {row.integer("tables", 1),   row.integer("bags", row.m), row.integer("pooling", 0),
          row.integer("rows", row.k), row.integer("dim", row.n),  row.integer("index_bytes", 8)};
}

void check_bag_row(const PlanRow& row) {
  const BagSizes s = bag_sizes(row);
  const ProductType type = product_type(row.dtype);
  if (row.dtype != "fp32" && row.dtype != "fp16" && row.dtype != "bf16")
    throw NotHere("bags are measured in fp32, fp16 and bf16");
  if (s.tables < 1 || s.bags < 1 || s.pooling < 1 || s.rows < 1 || s.dim < 1)
    throw NotHere("bags need bags, pooling, rows and dim");
  if (s.dim * static_cast<std::int64_t>(type.in_bytes) % 16 != 0)
    throw NotHere("rows of the table are multiples of 16 bytes");
  if (s.index_bytes != 4 && s.index_bytes != 8) throw NotHere("indices have 4 or 8 bytes");
  if (s.tables * s.rows > INT32_MAX || s.tables * s.bags * s.pooling > 1 << 28)
    throw NotHere("too many rows or lookups");
  if (row.text("weighted", "0") != "0" && row.text("weighted", "0") != "false")
    throw NotHere("weighted bags are not measured");
  draw_lookups(row.text("indices", "uniform"), 1, 1, 1);
}

std::string bag_key(const PlanRow& row) {
  const BagSizes s = bag_sizes(row);
  std::string text = row.op + " " + row.dtype + " " + row.text("indices", "uniform");
  for (const std::int64_t size : {s.tables, s.bags, s.pooling, s.rows, s.dim, s.index_bytes})
    text += " " + std::to_string(size);
  return text;
}

enum class Way { gather, scan };

class Bags {
 public:
  Bags(const Device& device, const PlanRow& row, Way way, std::uint64_t seed)
      : device_(device), way_(way), sizes_(bag_sizes(row)), type_(product_type(row.dtype)), seed_(seed) {
    const std::int64_t rows = sizes_.tables * sizes_.rows, lookups = sizes_.tables * sizes_.bags * sizes_.pooling;
    const std::size_t out =
        static_cast<std::size_t>(sizes_.tables * sizes_.bags * sizes_.dim) * (way == Way::scan ? 4 : type_.in_bytes);
    std::vector<std::int64_t> named;
    for (std::int64_t table = 0; table < sizes_.tables; ++table)
      for (const std::int64_t index : draw_lookups(row.text("indices", "uniform"), sizes_.bags * sizes_.pooling,
                                                   sizes_.rows, seed + static_cast<std::uint64_t>(table)))
        named.push_back(table * sizes_.rows + index);
    BagsOfRows lists;
    if (way == Way::scan) lists = bags_of_rows(named, sizes_.pooling, rows);
    operands_ = std::make_unique<Operands>(
        device, std::vector<std::size_t>{static_cast<std::size_t>(rows * sizes_.dim) * type_.in_bytes,
                                         static_cast<std::size_t>(lookups * sizes_.index_bytes), out,
                                         lists.begin.size() * 8, lists.bag.size() * 4});
    check(fill_random(operands_->at(0, 0), type_.in, rows * sizes_.dim, seed + 99, device.stream));
    upload_indices(named);
    upload(3, lists.begin);
    upload(4, lists.bag);
    operands_->spread(device.stream);
  }

  int copies() const { return operands_->copies(); }
  void enqueue(int copy) const {
    const BagCall bags = call(copy);
    if (way_ == Way::gather) return check(gather_bags(bags, device_.stream));
    check(cudaMemsetAsync(bags.out, 0, operands_->bytes(2), device_.stream));
    check(scan_table(bags, device_.stream));
  }
  void reset() const { check(cudaMemsetAsync(operands_->at(0, 2), 0xff, operands_->bytes(2), device_.stream)); }
  double error() const {
    const Type out = way_ == Way::scan ? Type::fp32 : type_.in;
    const double rounding = way_ == Way::scan ? 0x1p-22 : type_.rounding;
    const BagCall bags = call(0);
    const Worst worst(device_);
    check(compare_finite(bags.out, out, bags.bags * bags.dim, worst.device_value(), device_.stream));
    check(compare_bags(bags, out, kCheckedElements, seed_, rounding, 0x1p-20, worst.device_value(), device_.stream));
    return worst.value();
  }

 private:
  template <class T>
  void upload(std::size_t operand, const std::vector<T>& values) const {
    copy_to_device(operands_->at(0, operand), values.data(), values.size() * sizeof(T));
  }
  void upload_indices(const std::vector<std::int64_t>& named) const {
    if (sizes_.index_bytes == 8) return upload(1, named);
    upload(1, std::vector<std::int32_t>(named.begin(), named.end()));
  }
  BagCall call(int copy) const {
    return {.bags = sizes_.tables * sizes_.bags,
            .pooling = sizes_.pooling,
            .rows = sizes_.tables * sizes_.rows,
            .dim = sizes_.dim,
            .type = type_.in,
            .table = operands_->at(copy, 0),
            .indices = operands_->at(copy, 1),
            .index_bytes = static_cast<int>(sizes_.index_bytes),
            .out = operands_->at(copy, 2),
            .row_begin = operands_->as<std::int64_t>(copy, 3),
            .bag_of = operands_->as<std::int32_t>(copy, 4)};
  }

  const Device& device_;
  Way way_;
  BagSizes sizes_;
  ProductType type_;
  std::uint64_t seed_;
  std::unique_ptr<Operands> operands_;  // table, indices, results, and for scans the bags of each row
};

class Embeddings : public Problem {
 public:
  Embeddings(const PlanRow& row, const Device& device, std::uint64_t seed) : device_(device), row_(row), seed_(seed) {}
  std::vector<std::unique_ptr<Runner>> runners(const PlanRow& row) override { return make(row, Way::gather); }
  std::vector<std::unique_ptr<Runner>> baselines() override { return make(row_, Way::scan); }

 private:
  std::vector<std::unique_ptr<Runner>> make(const PlanRow& row, Way way) const {
    const auto bags = std::make_shared<Bags>(device_, row, way, seed_);
    std::vector<std::unique_ptr<Runner>> runners;
    runners.push_back(make_runner(device_, way == Way::gather ? "tuned:gather" : "tuned:scan", bags));
    return runners;
  }

  const Device& device_;
  PlanRow row_;
  std::uint64_t seed_;
};

}  // namespace

extern const ProblemFamily kEmbeddingBag;
const ProblemFamily kEmbeddingBag = {"embedding_bag", "tuned:gather; baseline tuned:scan", check_bag_row, bag_key,
                                     make_problem<Embeddings>};

}  // namespace sparsesim::measure
