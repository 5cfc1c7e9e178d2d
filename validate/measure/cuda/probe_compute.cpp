// Clocks under load, banks, and what matrix products cost step by step.

#include <algorithm>
#include <chrono>
#include <thread>

#include "validate/measure/cuda/matmul.h"
#include "validate/measure/cuda/operand_kernels.h"
#include "validate/measure/cuda/probe_kernels.h"
#include "validate/measure/cuda/prober.h"
#include "validate/measure/cuda/sparse_products.h"

namespace sparsesim::measure {
namespace {

/// A bf16 product with operands of its own.
struct Product {
  Product(const Prober& p, const ProductSize& size, bool zeros)
      : matmul(p.device(), size, product_type("bf16")),
        x(static_cast<std::size_t>(size.m * size.k) * 2),
        w(static_cast<std::size_t>(size.n * size.k) * 2),
        out(static_cast<std::size_t>(size.m * size.n) * 2) {
    check(cudaMemsetAsync(x.data(), 0, x.bytes(), p.stream()));
    check(cudaMemsetAsync(w.data(), 0, w.bytes(), p.stream()));
    if (!zeros) {
      check(fill_random(x.data(), Type::bf16, size.m * size.k, p.seed() + 1, p.stream()));
      check(fill_random(w.data(), Type::bf16, size.n * size.k, p.seed() + 2, p.stream()));
    }
    matmul.choose({operands()});
  }
  ProductOperands operands() const { return {x.data(), w.data(), out.data()}; }
  void enqueue() const { matmul.enqueue(operands()); }

  Matmul matmul;
  DeviceMemory x, w, out;
};

struct Sustained {
  double clock_hz = 0, flop_per_second = 0;
};

/// The clock and the rate at the end of `seconds` of products without a pause.
Sustained sustain(const Prober& p, bool zeros, double seconds) {
  constexpr std::int64_t kSide = 8192;
  const Product product(p, {kSide, kSide, kSide}, zeros);
  const StreamTimer timer(p.stream());
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  constexpr int kCalls = 16;
  Sustained sustained;
  while (std::chrono::steady_clock::now() < until) {
    const double taken = timer.seconds([&] {
      for (int call = 0; call < kCalls; ++call) product.enqueue();
    });
    sustained.flop_per_second = kCalls * 2.0 * kSide * kSide * kSide / taken;
    for (int call = 0; call < kCalls / 2; ++call) product.enqueue();
    sustained.clock_hz = p.clock_hz();  // waits in the stream behind the products
  }
  return sustained;
}

void probe_clocks(const Prober& p, SubstrateFile& file) {
  const double seconds = p.samples() > 5 ? 1.5 : 0.2;
  const Sustained zeros = sustain(p, true, seconds), random = sustain(p, false, seconds);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the clock recovers
  std::vector<double> light;
  for (int sample = 0; sample < p.samples(); ++sample) light.push_back(p.clock_hz());
  file.number("compute.clock", spread_of(light, [](double hz) { return hz * 1e-9; }), "GHz",
              "under a light load; " + yaml_number(random.clock_hz * 1e-9) + " GHz under products of random bf16, " +
                  yaml_number(zeros.clock_hz * 1e-9) + " GHz of zeros");
  file.curve({"sustained_clock",
              "clock after products of 8192 cubed in bf16: of zeros (0), of random data (1)",
              "1",
              "GHz",
              {{0, zeros.clock_hz * 1e-9, zeros.clock_hz * 1e-9, zeros.clock_hz * 1e-9},
               {1, random.clock_hz * 1e-9, random.clock_hz * 1e-9, random.clock_hz * 1e-9}}});
  file.curve({"sustained_rate",
              "rate of the same products",
              "1",
              "TFLOP/s",
              {{0, zeros.flop_per_second * 1e-12, zeros.flop_per_second * 1e-12, zeros.flop_per_second * 1e-12},
               {1, random.flop_per_second * 1e-12, random.flop_per_second * 1e-12, random.flop_per_second * 1e-12}}});
}

void probe_banks(const Prober& p, SubstrateFile& file) {
  constexpr int kRounds = 512, kWarps = 16;
  Curve curve{.name = "bank_conflicts",
              .title = "cycles of a warp's read of shared memory, by stride of its lanes",
              .x_unit = "word",
              .y_unit = "cycles",
              .points = {}};
  for (const int stride : {1, 2, 3, 4, 8, 16, 32, 33})
    curve.points.push_back(
        point_of(stride, p.cycles([&] { check(bank_reads(stride, kRounds, p.report(), p.sink(), p.stream())); }),
                 [](double cycles) { return cycles / (kRounds * kWarps); }));
  file.curve(curve);
}

void probe_matrix_instruction(const Prober& p, SubstrateFile& file) {
  constexpr int kRounds = 1000, kChains = 8;
  constexpr double kFlop = 2.0 * 16 * 8 * 16;
  Curve curve{.name = "matrix_instruction",
              .title = "mma.sync m16n8k16 bf16 on one SM, by warps",
              .x_unit = "warp",
              .y_unit = "FLOP/cycle",
              .points = {}};
  Spread best;
  for (const int warps : {1, 2, 4, 8, 16}) {
    const auto cycles = p.cycles(
        [&] { check(matrix_steps(warps, kRounds, p.report(), reinterpret_cast<float*>(p.sink()), p.stream())); });
    const auto rate = [&](double taken) { return warps * kRounds * kChains * kFlop / taken; };
    curve.points.push_back(point_of(warps, cycles, rate));
    if (const Spread spread = spread_of(cycles, rate); spread.value > best.value) best = spread;
  }
  file.curve(curve);
  file.granule({"matrix instruction", kFlop, "FLOP", spread_of(std::vector<double>{kFlop / best.value / p.clock_hz()}),
                "one mma.sync m16n8k16 of bf16, one SM full of them"});
  // Wider instructions of later architectures are not issued by mma.sync.
  if (p.device().capability() < 90) {
    file.number("compute.pipes.tensor.bf16.dense", best, "FLOP/cycle", "mma.sync m16n8k16");
    file.number("compute.pipes.tensor.fp16.dense", best, "FLOP/cycle", "mma.sync m16n8k16 of bf16");
  }
}

/// Time of a product as one side grows in steps.
void probe_steps(const Prober& p, SubstrateFile& file) {
  const auto sweep = [&](const char* name, const char* title, const std::vector<std::int64_t>& sides, auto size_of) {
    Curve curve{.name = name, .title = title, .x_unit = "element", .y_unit = "us", .points = {}};
    for (const std::int64_t side : sides) {
      const Product product(p, size_of(side), false);
      curve.points.push_back(point_of(static_cast<double>(side), p.time_graph(4, [&] { product.enqueue(); }),
                                      [](double seconds) { return seconds * 1e6; }));
    }
    file.curve(curve);
  };
  constexpr std::int64_t kSide = 4096;
  sweep("matmul_m", "bf16 product with n = k = 4096, by m", {1, 16, 64, 128, 136, 256, 264, 512, 768, 1024, 1032, 2048},
        [](std::int64_t m) {
          return ProductSize{m, kSide, kSide};
        });
  sweep("matmul_n", "bf16 product with m = k = 4096, by n", {64, 128, 136, 256, 264, 512, 520, 1024, 2048},
        [](std::int64_t n) {
          return ProductSize{kSide, n, kSide};
        });
  sweep("matmul_k", "bf16 product with m = n = 4096, by k", {16, 32, 64, 72, 128, 136, 256, 512, 1024, 2048},
        [](std::int64_t k) {
          return ProductSize{kSide, kSide, k};
        });
}

/// The same by cuSPARSELt, where it is there.
void probe_sparse_steps(const Prober& p, SubstrateFile& file) {
  constexpr std::int64_t kSide = 4096;
  Curve curve{.name = "matmul_2_4_m",
              .title = "bf16 product with 2:4 weights, n = k = 4096, by m",
              .x_unit = "element",
              .y_unit = "us",
              .points = {}};
  for (const std::int64_t m : {64, 128, 256, 512, 1024, 2048}) {
    const auto runner = make_cusparselt_runner(p.device(), {m, kSide, kSide}, product_type("bf16"), p.seed());
    if (!(runner->error() <= 1)) throw CudaError("cuSPARSELt gives a wrong result");
    std::vector<double> seconds;
    runner->run(4);
    for (int sample = 0; sample < p.samples(); ++sample) seconds.push_back(runner->run(4) / 4);
    curve.points.push_back(point_of(static_cast<double>(m), seconds, [](double s) { return s * 1e6; }));
  }
  file.curve(curve);
}

}  // namespace

void probe_compute(const Prober& prober, SubstrateFile& file) {
  try_probe(file, "clocks under load", [&] { probe_clocks(prober, file); });
  try_probe(file, "bank conflicts", [&] { probe_banks(prober, file); });
  try_probe(file, "matrix instruction", [&] { probe_matrix_instruction(prober, file); });
  try_probe(file, "matrix products step by step", [&] { probe_steps(prober, file); });
  try_probe(file, "2:4 products step by step", [&] { probe_sparse_steps(prober, file); });
}

}  // namespace sparsesim::measure
