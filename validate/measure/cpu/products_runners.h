#pragma once
// Kernels of products with their rotating operands. Operands are made when they are first needed.

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "validate/measure/cpu/products_operands.h"
#include "validate/measure/cpu/rotation.h"
#include "validate/measure/cpu/timed_runner.h"

namespace sparsesim::measure {

inline constexpr std::int64_t kChunkRows = 64;  // of weights, that a thread takes at a time

/// Weights in their format, activations [k, m], results [n, m].
template <class Weights>
struct SparseOperands {
  Weights weights;
  Buffer<float> activations;
  mutable Buffer<float> results;  // belong to the copy: they go through the caches as the operands do

  std::size_t bytes() const { return weights.bytes() + activations.bytes() + results.bytes(); }
};

/// One sparse kernel.
template <class Weights>
class SparseRunner : public TimedRunner {
 public:
  struct Parts {
    std::function<Weights()> draw;
    WeightRows reference;
    std::function<void(const SparseOperands<Weights>&)> multiply;
  };

  SparseRunner(std::string kernel, Parts parts, const ProductSizes& sizes, const CpuContext& context,
               std::uint64_t seed)
      : TimedRunner(std::move(kernel)), parts_(std::move(parts)), sizes_(sizes), context_(context), seed_(seed) {}

  double error() override {
    const auto& operands = rotation().first();
    parts_.multiply(operands);
    const auto at = [m = sizes_.m](const Buffer<float>& array) -> ElementAt {
      return [&array, m](std::int64_t row, std::int64_t column) {
        return array[static_cast<std::size_t>(row * m + column)];
      };
    };
    return product_error(sizes_, parts_.reference, at(operands.activations), at(operands.results), seed_);
  }

 private:
  void call() override { parts_.multiply(rotation().next()); }

  Rotation<SparseOperands<Weights>>& rotation() {
    if (!rotation_) {
      const auto inputs = static_cast<std::size_t>(sizes_.k * sizes_.m);
      SparseOperands<Weights> operands{parts_.draw(), Buffer<float>(inputs + kSlack),
                                       Buffer<float>(static_cast<std::size_t>(sizes_.n * sizes_.m))};
      for (std::size_t i = 0; i < inputs; ++i)
        operands.activations[i] =
            static_cast<float>(random_element(DenseType::fp32, ~seed_, static_cast<std::int64_t>(i)));
      const std::size_t bytes = operands.bytes();
      rotation_.emplace(std::move(operands), bytes, context_);
    }
    return *rotation_;
  }

  Parts parts_;
  ProductSizes sizes_;
  CpuContext context_;
  std::uint64_t seed_;
  std::optional<Rotation<SparseOperands<Weights>>> rotation_;
};

/// A library's dense product, in the faster of two ways: weights [n, k] times activations [k, m], or activations [m, k]
/// times weights [k, n]. Weights are in the library's own layout. Errors: NotHere.
std::unique_ptr<Runner> make_dense_runner(const std::string& library, const ProductSizes& sizes,
                                          const CpuContext& context, std::uint64_t seed);

/// bf16 blocks on matrix tiles. check_tiles throws NotHere where the processor or the sizes do not allow them.
void check_tiles(const ProductSizes& sizes, std::int64_t height, std::int64_t width, const CpuContext& context);
std::unique_ptr<Runner> make_tile_runner(BlockPlaces places, const ProductSizes& sizes, const CpuContext& context,
                                         std::uint64_t seed);

/// Calls multiply(part) for every panel of columns; several threads share them in chunks of rows, as they become free.
///
/// rows   rows (of blocks) of the weights
/// chunk  rows (of blocks) that a thread takes at a time
template <class Multiply>
void for_parts(std::int64_t rows, std::int64_t m, std::int64_t panel, std::int64_t chunk, int threads,
               const Multiply& multiply) {
  const auto part = [&](std::int64_t begin, std::int64_t first, std::int64_t last) {
    multiply(Part{first, last, begin, std::min(panel, m - begin), m});
  };
  if (threads == 1) {
    for (std::int64_t begin = 0; begin < m; begin += panel) part(begin, 0, rows);
    return;
  }
  const std::int64_t chunks = (rows + chunk - 1) / chunk, panels = (m + panel - 1) / panel;
#ifdef SPARSESIM_HAVE_OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
#endif
  for (std::int64_t i = 0; i < panels * chunks; ++i) {
    const std::int64_t first = i % chunks * chunk;
    part(i / chunks * panel, first, std::min(first + chunk, rows));
  }
}

/// Activations [k, m] and where kernels that copy panels of them do so: belongs to one problem, for its calls in turn.
class Panels {
 public:
  Panels(const SparseKernels& kernels, std::int64_t panel, const ProductSizes& sizes, int threads)
      : bring_(sizes.m > 1 ? kernels.bring : nullptr),
        panel_(panel),
        sizes_(sizes),
        threads_(threads),
        copy_(bring_ && sizes.m > panel
                  ? std::make_shared<Buffer<float>>(static_cast<std::size_t>(sizes.k * panel) + kSlack)
                  : nullptr) {}

  /// Calls multiply(panel, part) for every panel, as for_parts() does, once the panel was brought near.
  template <class Multiply>
  void each(const float* activations, std::int64_t rows, std::int64_t chunk, const Multiply& multiply) const {
    const auto as_it_lies = [&](const Part& part) { return Panel{activations + part.begin, sizes_.m}; };
    if (!bring_) {
      for_parts(rows, sizes_.m, panel_, chunk, threads_, [&](const Part& part) { multiply(as_it_lies(part), part); });
      return;
    }
    for (std::int64_t begin = 0; begin < sizes_.m; begin += panel_) {
      const std::int64_t width = std::min(panel_, sizes_.m - begin);
      const Panel panel = brought({activations + begin, sizes_.m}, width);
      for_parts(rows, width, width, chunk, threads_, [&](Part part) {
        part.begin = begin;
        part.m = sizes_.m;
        multiply(panel, part);
      });
    }
  }

 private:
  Panel brought(const Panel& panel, std::int64_t width) const {
    float* const to = copy_ ? copy_->data() : nullptr;
    const std::int64_t each = (sizes_.k + threads_ - 1) / threads_;
    const auto share = [&](std::int64_t i) { bring_(panel, i * each, std::min((i + 1) * each, sizes_.k), width, to); };
    if (threads_ == 1) {
      share(0);
    } else {
#ifdef SPARSESIM_HAVE_OPENMP
#pragma omp parallel for schedule(static, 1) num_threads(threads_)
#endif
      for (int i = 0; i < threads_; ++i) share(i);
    }
    return to ? Panel{to, rounded_width(width)} : panel;
  }

  decltype(SparseKernels::bring) bring_;
  std::int64_t panel_;
  ProductSizes sizes_;
  int threads_;
  std::shared_ptr<Buffer<float>> copy_;
};

}  // namespace sparsesim::measure
