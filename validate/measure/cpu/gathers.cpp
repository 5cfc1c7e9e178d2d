#include "validate/measure/cpu/gathers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "validate/measure/cpu/kernels/dense.h"
#include "validate/measure/cpu/library_runners.h"
#include "validate/measure/cpu/rotation.h"
#include "validate/measure/cpu/row_sizes.h"
#include "validate/measure/cpu/timed_runner.h"

namespace sparsesim::measure {
namespace {

constexpr double kMostExponent = 8;
/// As a product every row is multiplied by every bag: from some bags on arithmetic alone takes longer than a scan.
constexpr std::int64_t kProductBags = 16;
constexpr std::int64_t kProductElements = std::int64_t{1} << 28;  // of the multi-hot matrix

/// The exponent of "zipf:1.05", 0 of "uniform". Errors: NotHere.
double read_popularity(const std::string& text) {
  if (text == "uniform") return 0;
  double exponent = 0;
  if (text.starts_with("zipf:")) {
    const auto [end, error] = std::from_chars(text.data() + 5, text.data() + text.size(), exponent);
    if (error == std::errc{} && end == text.data() + text.size() && exponent >= 0 && exponent <= kMostExponent)
      return exponent;
  }
  throw NotHere("indices=" + text + " is neither uniform nor zipf:EXPONENT (0 to 8)");
}

/// m, n, k and sparsity of a row stand for bags, dim, rows and pooling.
BagSizes read_bag_sizes(const PlanRow& row) {
  BagSizes sizes;
  sizes.tables = size_param(row, "tables", 4096, 1);
  sizes.rows = size_param(row, "rows", std::int64_t{1} << 31, row.k);
  sizes.dim = size_param(row, "dim", 65536, row.n);
  sizes.bags = size_param(row, "bags", 1 << 24, row.m);
  const double named = row.sparsity ? std::round((1 - *row.sparsity) * static_cast<double>(sizes.rows)) : 0;
  sizes.pooling = size_param(row, "pooling", 1 << 20, static_cast<std::int64_t>(named));
  sizes.exponent = read_popularity(row.text("indices", "uniform"));
  sizes.weighted = flag_param(row, "weighted", false);
  return sizes;
}

void check_bag_row(const PlanRow& row, const CpuContext& context) {
  if (row.dtype != "fp32") throw NotHere("embedding bags are measured in fp32");
  if (!row.pattern.empty() && row.pattern != "gather") throw NotHere("embedding bags have no pattern " + row.pattern);
  if (row.text("index_bytes", "8") != "8") throw NotHere("row numbers have 8 bytes here");
  if (!row.text("trace", "").empty()) throw NotHere("embedding bags are drawn here, not read from a trace");
  const BagSizes sizes = read_bag_sizes(row);
  const double table = 4.0 * static_cast<double>(sizes.elements());
  const double lists = static_cast<double>(sizes.lookups()) * (sizeof(std::int64_t) + sizeof(NamedRow)) +
                       4.0 * static_cast<double>(sizes.tables * sizes.bags) * static_cast<double>(sizes.dim);
  require_memory(table + lists + 6.0 * static_cast<double>(context.last_cache_bytes));
}

std::string bag_key(const PlanRow& row) {
  const BagSizes sizes = read_bag_sizes(row);
  std::string key = "embedding_bag/" + row.text("indices", "uniform");
  for (const std::int64_t size :
       {sizes.tables, sizes.rows, sizes.dim, sizes.bags, sizes.pooling, std::int64_t{sizes.weighted}})
    key += "/" + std::to_string(size);
  return key;
}

/// Tables and lists take turns each for themselves: what one call reads of either has left the caches when it comes
/// again.
class BagData {
 public:
  BagData(const PlanRow& row, const CpuContext& processor, std::uint64_t visit_seed)
      : sizes(read_bag_sizes(row)),
        seed(visit_seed),
        context(processor),
        kernels(gather_kernels(context)),
        tables(draw_tables(), static_cast<std::size_t>(sizes.elements()) * sizeof(float), context) {
    RandomStream stream(seed, "measure/bags");
    const RankDraw ranks(sizes.rows, sizes.exponent);
    lists.push_back(draw_bags(sizes, ranks, stream));
    const auto read = static_cast<std::size_t>(lists.front().distinct_rows() * sizes.dim) * sizeof(float);
    const std::size_t count = rotation_copies(read, context);
    while (lists.size() < count) lists.push_back(draw_bags(sizes, ranks, stream));
  }
  const BagLists& next_lists() {
    at_ = at_ + 1 < lists.size() ? at_ + 1 : 0;
    return lists[at_];
  }

  const BagSizes sizes;
  const std::uint64_t seed;
  const CpuContext context;
  const GatherKernels& kernels;
  Rotation<Buffer<float>> tables;
  std::vector<BagLists> lists;

 private:
  Buffer<float> draw_tables() const {
    Buffer<float> drawn(static_cast<std::size_t>(sizes.elements()));
    RandomStream stream(seed, "measure/tables");
    for (float& element : drawn) element = static_cast<float>(stream.uniform(-1, 1));
    return drawn;
  }
  std::size_t at_ = 0;
};

/// What the kernels have in common: a call on tables and lists, and its check.
class BagRunner : public TimedRunner {
 public:
  BagRunner(std::string kernel, std::shared_ptr<BagData> data)
      : TimedRunner(std::move(kernel)), data_(std::move(data)) {}
  double error() override {
    const Buffer<float>& tables = data_->tables.next();
    const BagLists& lists = data_->next_lists();
    std::fill(lists.sums.begin(), lists.sums.end(), std::numeric_limits<float>::quiet_NaN());
    sum(tables, lists);
    return bag_error(data_->sizes, tables.data(), lists, data_->seed);
  }

 protected:
  virtual void sum(const Buffer<float>& tables, const BagLists& lists) = 0;
  BagData& data() { return *data_; }

 private:
  void call() override {
    const Buffer<float>& tables = data_->tables.next();
    sum(tables, data_->next_lists());
  }
  std::shared_ptr<BagData> data_;
};

class GatherRunner : public BagRunner {
 public:
  explicit GatherRunner(std::shared_ptr<BagData> data) : BagRunner("tuned:gather", std::move(data)) {}

 private:
  void sum(const Buffer<float>& tables, const BagLists& lists) override {
    gather_sums(data().sizes, data().kernels, tables.data(), lists, data().context.threads);
  }
};

class ScanRunner : public BagRunner {
 public:
  explicit ScanRunner(std::shared_ptr<BagData> data) : BagRunner("tuned:scan", std::move(data)) {
    for (int i = 1; i < this->data().context.threads; ++i) parts_.emplace_back(this->data().lists.front().sums.size());
  }

 private:
  void sum(const Buffer<float>& tables, const BagLists& lists) override {
    unnamed_ = scan_sums(data().sizes, data().kernels, tables.data(), lists, parts_);
  }
  std::vector<Buffer<float>> parts_;
  volatile float unnamed_ = 0;  // somebody wants it: the rows without a name must be read
};

/// The multi-hot matrices of one list, [tables, bags, rows], times the tables.
class ProductRunner : public BagRunner {
 public:
  ProductRunner(const std::string& library, std::shared_ptr<BagData> data)
      : BagRunner("library:" + library, std::move(data)), lists_(this->data().lists.front()) {
    const BagSizes& sizes = this->data().sizes;
    DenseShape shape;
    shape.m = sizes.bags;
    shape.n = sizes.dim;
    shape.k = sizes.rows;
    product_ = make_dense(library, shape, this->data().context);
    hot_ = Buffer<float>(static_cast<std::size_t>(sizes.tables * sizes.bags * sizes.rows));
    for (std::size_t table = 0; table < lists_.by_row.size(); ++table)
      for (auto named = lists_.by_row[table].begin(); named + 1 != lists_.by_row[table].end(); ++named)
        hot_[(table * static_cast<std::size_t>(sizes.bags) + static_cast<std::size_t>(named->bag)) *
                 static_cast<std::size_t>(sizes.rows) +
             static_cast<std::size_t>(named->row)] += named->weight;
  }
  double error() override {
    const Buffer<float>& tables = data().tables.next();
    std::fill(lists_.sums.begin(), lists_.sums.end(), std::numeric_limits<float>::quiet_NaN());
    sum(tables, lists_);
    return bag_error(data().sizes, tables.data(), lists_, data().seed);
  }

 private:
  void sum(const Buffer<float>& tables, const BagLists&) override {
    const BagSizes& sizes = data().sizes;
    for (std::int64_t table = 0; table < sizes.tables; ++table)
      product_->run(hot_.data() + table * sizes.bags * sizes.rows, tables.data() + table * sizes.rows * sizes.dim,
                    lists_.sums.data() + table * sizes.bags * sizes.dim);
  }
  const BagLists& lists_;
  std::unique_ptr<DenseKernel> product_;
  Buffer<float> hot_;
};

class BagProblem : public Problem {
 public:
  BagProblem(const PlanRow& row, const CpuContext& context, std::uint64_t seed)
      : data_(std::make_shared<BagData>(row, context, seed)) {}
  std::vector<std::unique_ptr<Runner>> runners(const PlanRow&) override {
    std::vector<std::unique_ptr<Runner>> runners;
    runners.push_back(std::make_unique<GatherRunner>(data_));
    return runners;
  }
  std::vector<std::unique_ptr<Runner>> baselines() override {
    std::vector<std::unique_ptr<Runner>> runners;
    runners.push_back(std::make_unique<ScanRunner>(data_));
    const BagSizes& sizes = data_->sizes;
    if (sizes.bags > kProductBags || sizes.tables * sizes.bags > kProductElements / sizes.rows) return runners;
    if (dense_libraries().empty()) return runners;
    for (auto& runner : library_runners<ProductRunner>(data_)) runners.push_back(std::move(runner));
    return runners;
  }

 private:
  std::shared_ptr<BagData> data_;
};

}  // namespace

ProblemFamily embedding_bag_family() { return {"embedding_bag", check_bag_row, bag_key, make_problem<BagProblem>}; }

}  // namespace sparsesim::measure
