#include <array>
#include <limits>

#include "validate/measure/cpu/products_runners.h"

namespace sparsesim::measure {

namespace {

struct DenseOperands {
  Buffer<std::byte> weights, activations;
  mutable Buffer<std::byte> results;

  std::size_t bytes() const { return weights.bytes() + activations.bytes() + results.bytes(); }
};

/// One way to multiply, with its operands.
class DenseWay {
 public:
  /// weights_left: weights [n, k] activations [k, m]; else activations [m, k] weights [k, n].
  DenseWay(const std::string& library, const ProductSizes& sizes, bool weights_left, const CpuContext& context,
           std::uint64_t seed)
      : sizes_(sizes), left_(weights_left), seed_(seed) {
    DenseShape shape;
    shape.m = left_ ? sizes.n : sizes.m;
    shape.n = left_ ? sizes.m : sizes.n;
    shape.k = sizes.k;
    shape.type = sizes.type;
    shape.fixed = left_ ? Fixed::left : Fixed::right;
    kernel_ = make_dense(library, shape, context);
    context_ = context;
  }

  DenseKernel& kernel() const { return *kernel_; }

  void call() { multiply(rotation().next()); }

  double error() {
    const DenseOperands& operands = rotation().first();
    multiply(operands);
    const ElementAt x = [this](std::int64_t k, std::int64_t m) { return activation(k, m); };
    const ElementAt y = [&](std::int64_t n, std::int64_t m) {
      return load_result(sizes_.type, operands.results.data(), left_ ? n * sizes_.m + m : m * sizes_.n + n);
    };
    return product_error(sizes_, dense_rows(sizes_, seed_), x, y, seed_);
  }

 private:
  double activation(std::int64_t k, std::int64_t m) const {
    return random_element(sizes_.type, ~seed_, k * sizes_.m + m);
  }

  void multiply(const DenseOperands& o) {
    const std::byte* a = left_ ? o.weights.data() : o.activations.data();
    const std::byte* b = left_ ? o.activations.data() : o.weights.data();
    kernel_->run(a, b, o.results.data());
  }

  Rotation<DenseOperands>& rotation() {
    if (!rotation_) {
      DenseOperands operands = draw();
      const std::size_t bytes = operands.bytes();
      rotation_.emplace(std::move(operands), bytes, context_);
    }
    return *rotation_;
  }

  DenseOperands draw() const {
    const auto bytes = [](std::int64_t count, std::size_t each) { return static_cast<std::size_t>(count) * each; };
    const std::size_t each = operand_bytes(sizes_.type);
    Buffer<std::byte> plain(bytes(sizes_.n * sizes_.k, each));
    DenseOperands operands{Buffer<std::byte>(kernel_->prepared_bytes()),
                           Buffer<std::byte>(bytes(sizes_.k * sizes_.m, each)),
                           Buffer<std::byte>(bytes(sizes_.n * sizes_.m, result_bytes(sizes_.type)))};
    for (std::int64_t n = 0; n < sizes_.n; ++n)
      for (std::int64_t k = 0; k < sizes_.k; ++k)
        store_element(sizes_.type, plain.data(), left_ ? n * sizes_.k + k : k * sizes_.n + n,
                      random_element(sizes_.type, seed_, n * sizes_.k + k));
    for (std::int64_t k = 0; k < sizes_.k; ++k)
      for (std::int64_t m = 0; m < sizes_.m; ++m)
        store_element(sizes_.type, operands.activations.data(), left_ ? k * sizes_.m + m : m * sizes_.k + k,
                      activation(k, m));
    kernel_->prepare(plain.data(), operands.weights.data());
    return operands;
  }

  ProductSizes sizes_;
  bool left_;
  std::uint64_t seed_;
  CpuContext context_;
  std::unique_ptr<DenseKernel> kernel_;
  std::optional<Rotation<DenseOperands>> rotation_;
};

class DenseRunner : public TimedRunner {
 public:
  DenseRunner(std::unique_ptr<DenseWay> left, std::unique_ptr<DenseWay> right)
      : TimedRunner(left->kernel().kernel()), ways_{std::move(left), std::move(right)} {}

  double error() override { return way().error(); }

 private:
  void call() override { way().call(); }

  DenseWay& way() {
    if (ways_[1]) choose();
    return *ways_[0];
  }

  /// Keeps the way with the shortest of a few calls, and frees the other's operands.
  void choose() {
    std::array<double, 2> shortest;
    shortest.fill(std::numeric_limits<double>::infinity());
    constexpr int kRounds = 6;  // the first warms up
    for (int round = 0; round < kRounds; ++round)
      for (std::size_t i = 0; i < 2; ++i) {
        const auto start = std::chrono::steady_clock::now();
        ways_[i]->call();
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        if (round > 0) shortest[i] = std::min(shortest[i], seconds.count());
      }
    if (shortest[1] < shortest[0]) std::swap(ways_[0], ways_[1]);
    ways_[1].reset();
  }

  std::array<std::unique_ptr<DenseWay>, 2> ways_;
};

}  // namespace

std::unique_ptr<Runner> make_dense_runner(const std::string& library, const ProductSizes& sizes,
                                          const CpuContext& context, std::uint64_t seed) {
  return std::make_unique<DenseRunner>(std::make_unique<DenseWay>(library, sizes, true, context, seed),
                                       std::make_unique<DenseWay>(library, sizes, false, context, seed));
}

}  // namespace sparsesim::measure
