#include "validate/measure/cpu/products.h"

#include <charconv>

#include "validate/measure/cpu/kernels/eigen_csr.h"
#include "validate/measure/cpu/products_runners.h"
#include "validate/measure/cpu/row_sizes.h"

namespace sparsesim::measure {

namespace {

constexpr std::int64_t kLargestSize = 1 << 18;

ProductSizes sizes_of(const PlanRow& row) {
  ProductSizes sizes{checked_size("m", row.m, kLargestSize), checked_size("n", row.n, kLargestSize),
                     checked_size("k", row.k, kLargestSize), dense_type(row.dtype)};
  require_memory(64.0 * static_cast<double>(sizes.n) * static_cast<double>(sizes.k));
  return sizes;
}

/// Rows and columns of "16x16". Errors: NotHere.
std::pair<std::int64_t, std::int64_t> block_of(const PlanRow& row) {
  const std::string text = row.text("block", "");
  std::pair<std::int64_t, std::int64_t> block;
  const char* const end = text.data() + text.size();
  const auto height = std::from_chars(text.data(), end, block.first);
  if (height.ec != std::errc() || height.ptr == end || *height.ptr != 'x')
    throw NotHere("block=" + text + " is not ROWSxCOLUMNS");
  const auto width = std::from_chars(height.ptr + 1, end, block.second);
  if (width.ec != std::errc() || width.ptr != end) throw NotHere("block=" + text + " is not ROWSxCOLUMNS");
  checked_size("rows of a block", block.first, 1024);
  checked_size("columns of a block", block.second, 1024);
  return block;
}

double sparsity_of(const PlanRow& row) {
  if (!row.sparsity) throw NotHere("sparsity is missing");
  if (!(*row.sparsity >= 0 && *row.sparsity < 1)) throw NotHere("sparsity must be at least 0 and below 1");
  return *row.sparsity;
}

using Runners = std::vector<std::unique_ptr<Runner>>;

/// Products of one (m, n, k, dtype).
class Products : public Problem {
 public:
  Products(const PlanRow& row, const CpuContext& context, std::uint64_t seed)
      : sizes_(sizes_of(row)), context_(context), seed_(seed) {}

  Runners runners(const PlanRow& row) override {
    if (row.op == "gemm") return baselines();
    std::uint64_t seed = seed_;
    for (const char c : row.id) seed = seed * 31 + static_cast<unsigned char>(c);
    if (row.pattern == "unstructured") return unstructured(row, seed);
    if (row.pattern == "2:4") return two_of_four(seed);
    const auto [height, width] = block_of(row);
    Runners found;
    found.push_back(
        blocks(row.pattern == "vector" ? "tuned:vector" : "tuned:bsr", height, width, sparsity_of(row), seed));
    return found;
  }

  Runners baselines() override {
    Runners found;
    std::string reasons;
    for (const std::string& library : dense_libraries()) {
      try {
        found.push_back(make_dense_runner(library, sizes_, context_, seed_));
      } catch (const NotHere& error) {
        const std::string reason = error.what();  // libraries may lack the same instructions
        if (reasons.find(reason) == std::string::npos) reasons += (reasons.empty() ? "" : "; ") + reason;
      }
    }
    if (found.empty()) throw NotHere(reasons.empty() ? "this build has no matrix library" : reasons);
    return found;
  }

 private:
  using BlockMultiply = std::function<void(const SparseOperands<BlockWeights>&)>;

  std::unique_ptr<Runner> runner_of_blocks(std::string kernel, BlockPlaces places, BlockMultiply multiply,
                                           std::uint64_t seed) const {
    const auto draw = [places, seed] { return BlockWeights(places, seed); };
    SparseRunner<BlockWeights>::Parts parts{draw, block_rows(places, sizes_.type, seed), std::move(multiply)};
    return std::make_unique<SparseRunner<BlockWeights>>(std::move(kernel), std::move(parts), sizes_, context_, seed);
  }

  Panels panels(std::int64_t panel) const { return {sparse_kernels(context_), panel, sizes_, context_.threads}; }

  BlockMultiply multiply_by(decltype(SparseKernels::blocks) kernel, std::int64_t panel) const {
    return [kernel, panels = panels(panel)](const auto& o) {
      const BlockMatrix w = o.weights.view();
      const std::int64_t rows = (w.rows + w.height - 1) / w.height;
      const std::int64_t chunk = std::max<std::int64_t>(1, kChunkRows / w.height);
      panels.each(o.activations.data(), rows, chunk,
                  [&](const Panel& x, const Part& part) { kernel(w, x, o.results.data(), part); });
    };
  }

  std::unique_ptr<Runner> blocks(const char* kernel, std::int64_t height, std::int64_t width, double sparsity,
                                 std::uint64_t seed) const {
    BlockPlaces places = draw_blocks(sizes_.n, sizes_.k, height, width, sparsity, seed);
    if (sizes_.type == DenseType::bf16) return make_tile_runner(std::move(places), sizes_, context_, seed);
    return runner_of_blocks(kernel, std::move(places),
                            multiply_by(sparse_kernels(context_).blocks, sparse_kernels(context_).block_panel), seed);
  }

  Runners unstructured(const PlanRow& row, std::uint64_t seed) const {
    const BlockPlaces places = draw_blocks(sizes_.n, sizes_.k, 1, 1, sparsity_of(row), seed);
    Runners found;
    found.push_back(runner_of_blocks("tuned:csr", places,
                                     multiply_by(sparse_kernels(context_).csr, sparse_kernels(context_).panel), seed));
    const BlockMultiply eigen = [multiply = eigen_csr(context_), m = sizes_.m](const auto& o) {
      multiply(o.weights.view(), o.activations.data(), o.results.data(), m);
    };
    found.push_back(runner_of_blocks("library:eigen_csr", places, eigen, seed));
    return found;
  }

  Runners two_of_four(std::uint64_t seed) const {
    using Operands = SparseOperands<TwoOfFourWeights>;
    const SparseKernels& kernels = sparse_kernels(context_);
    const auto multiply = [&kernels, panels = panels(kernels.panel), rows = sizes_.n](const Operands& o) {
      const TwoOfFourMatrix w = o.weights.view();
      panels.each(o.activations.data(), rows, kChunkRows,
                  [&](const Panel& x, const Part& part) { kernels.two_of_four(w, x, o.results.data(), part); });
    };
    const auto draw = [sizes = sizes_, seed] { return TwoOfFourWeights(sizes.n, sizes.k, seed); };
    SparseRunner<TwoOfFourWeights>::Parts parts{draw, two_of_four_rows(sizes_.k, seed), multiply};
    Runners found;
    found.push_back(
        std::make_unique<SparseRunner<TwoOfFourWeights>>("tuned:expand", std::move(parts), sizes_, context_, seed));
    return found;
  }

  ProductSizes sizes_;
  CpuContext context_;
  std::uint64_t seed_;
};

void check_gemm(const PlanRow& row, const CpuContext&) {
  sizes_of(row);
  if (!row.pattern.empty() && row.pattern != "dense") throw NotHere("a gemm is dense, not " + row.pattern);
}

void check_spmm(const PlanRow& row, const CpuContext& context) {
  const ProductSizes sizes = sizes_of(row);
  const std::string& pattern = row.pattern;
  const bool blocks = pattern == "block" || pattern == "vector";
  if (!blocks && pattern != "unstructured" && pattern != "2:4") throw NotHere("no kernel for pattern " + pattern);
  const bool tiles = sizes.type == DenseType::bf16 && pattern == "block";
  if (sizes.type != DenseType::fp32 && !tiles) throw NotHere("no kernel of pattern " + pattern + " for " + row.dtype);
  if (pattern == "2:4" && sizes.k % 4 != 0) throw NotHere("2:4 needs k in fours");
  if (pattern != "2:4") sparsity_of(row);
  if (!blocks) return;
  const auto [height, width] = block_of(row);
  if (pattern == "vector" && width != 1) throw NotHere("vectors are blocks of one column");
  if (tiles) check_tiles(sizes, height, width, context);
}

std::string product_key(const PlanRow& row) {
  return "product m=" + std::to_string(row.m) + " n=" + std::to_string(row.n) + " k=" + std::to_string(row.k) + " " +
         (row.dtype.empty() ? "fp32" : row.dtype);
}

}  // namespace

ProblemFamily gemm_family() { return {"gemm", check_gemm, product_key, make_problem<Products>}; }
ProblemFamily spmm_family() { return {"spmm", check_spmm, product_key, make_problem<Products>}; }

}  // namespace sparsesim::measure
