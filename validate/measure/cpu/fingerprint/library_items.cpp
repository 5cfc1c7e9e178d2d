#include <Eigen/Core>
#include <cstdio>
#include <memory>
#include <vector>

#include "validate/measure/cpu/fingerprint/items.h"
#include "validate/measure/cpu/kernels/dense.h"
#include "validate/measure/harness/backend.h"
#ifdef SPARSESIM_HAVE_ONEDNN
#include <dnnl.h>
#endif
#ifdef SPARSESIM_HAVE_OPENBLAS
#include <openblas_config.h>
extern "C" {  // not declared by openblas_config.h; cblas.h brings macros
char* openblas_get_config(void);
char* openblas_get_corename(void);
}
#endif

namespace sparsesim::measure {
namespace {

constexpr std::size_t kOperandBytes = std::size_t{8} << 20;  // each operand's place in the arena
constexpr std::size_t kOffset = 4096 + 64;                   // so that operands do not share the sets of a cache

/// Results [n, m] = weights [n, k] times activations [k, m], as the kernels of the suites store them.
struct Sides {
  int m, n, k;
};

struct Places {
  char *weights, *activations, *results, *prepared;
};

Places places(const Arena& arena) {
  char* base = arena.data();
  constexpr std::size_t kStride = kOperandBytes + kOffset;
  return {base, base + kStride, base + 2 * kStride, base + 3 * kStride};
}

/// Random bits that are small numbers of the type: fp32 and bf16 of 0.25 to 1 by their exponents, int8 any.
void fill(const Places& p, DenseType type) {
  std::uint32_t state = 1;
  for (char* operand : {p.weights, p.activations}) {
    auto* words = reinterpret_cast<std::uint32_t*>(operand);
    for (std::size_t i = 0; i < (std::size_t{1} << 18); ++i) {
      state = state * 1664525u + 1013904223u;
      const std::uint32_t bits = state >> 8;
      if (type == DenseType::fp32) words[i] = 0x3e800000u + bits % 0x01000000u;
      if (type == DenseType::bf16) words[i] = 0x3e803e80u + bits % 0x100u + (bits % 0x100u << 16);
      if (type == DenseType::int8) words[i] = state;
    }
  }
}

void add_product(Bench& bench, Sampler& sampler, const std::string& library, DenseType type, const std::string& curve,
                 double x, Sides s) {
  std::shared_ptr<DenseKernel> kernel;
  try {
    kernel = make_dense(library, {s.n, s.m, s.k, 0, 0, 0, type, Fixed::left}, bench.context);
  } catch (const NotHere&) {
    return;
  }
  if (kernel->prepared_bytes() > kOperandBytes) return;
  const auto prepare = [&bench, kernel, type] {
    const Places p = places(bench.arena);
    fill(p, type);
    kernel->prepare(p.weights, p.prepared);
  };
  const auto run = [&bench, kernel](long n) {
    const Places p = places(bench.arena);
    const auto products = [&] {
      for (long i = 0; i < n; ++i) kernel->run(p.prepared, p.activations, p.results);
    };
    const double start = seconds_now();
    if (bench.team.size() == 1) return busy_time(products);
    products();
    return seconds_now() - start;
  };
  sampler.add({curve, x, run, prepare});
}

void add_steps(Bench& bench, Sampler& sampler, const std::string& library) {
  constexpr int kSide = 160;  // a hot product: 100 KB an operand
  const int step = bench.quick ? 12 : 2;
  for (int side = 1; side <= 50; side += side == 1 ? step - 1 : step) {
    add_product(bench, sampler, library, DenseType::fp32, "steps_m_" + library, side, {side, kSide, kSide});
    add_product(bench, sampler, library, DenseType::fp32, "steps_n_" + library, side, {kSide, side, kSide});
  }
  for (const int k : {1, 4, 16, 64, 256})
    add_product(bench, sampler, library, DenseType::fp32, "steps_k_" + library, k, {kSide, kSide, k});
}

/// One product of 1x1x1 of matrices whose sizes the compiler does not know.
void add_eigen_call(Sampler& sampler) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto run = [](long n) {
    Matrix a = Matrix::Ones(1, 1), b = Matrix::Ones(1, 1), c = Matrix::Zero(1, 1);
    const double start = seconds_now();
    for (long i = 0; i < n; ++i) {
      c.noalias() = a * b;
      asm volatile("" ::"r"(c.data()) : "memory");
    }
    return seconds_now() - start;
  };
  sampler.add({"call_eigen", 0, run, {}});
}

}  // namespace

void add_library_items(Bench& bench, Sampler& sampler) {
  for (const std::string& library : dense_libraries()) {
    add_product(bench, sampler, library, DenseType::fp32, "call_" + library, 0, {1, 1, 1});
    std::vector<int> sides = {16, 32, 48, 80, 160, 240, 320, 400};
    if (bench.quick) sides = {48, 240};
    for (const int side : sides) {
      add_product(bench, sampler, library, DenseType::fp32, "product_fp32_" + library, side, {side, side, side});
      if (bench.context.avx512_bf16)
        add_product(bench, sampler, library, DenseType::bf16, "product_bf16_" + library, side, {side, side, side});
      if (bench.context.avx512)
        add_product(bench, sampler, library, DenseType::int8, "product_int8_" + library, side, {side, side, side});
    }
    add_steps(bench, sampler, library);
  }
  add_eigen_call(sampler);
}

// OpenBLAS chooses by processor, or as OPENBLAS_CORETYPE says: its older kernels leave half of an AVX-512 register
// empty.
LibraryLoop library_loop([[maybe_unused]] const std::string& library) {
#ifdef SPARSESIM_HAVE_OPENBLAS
  const std::string core = openblas_get_corename();
  const bool wide = core == "SkylakeX" || core == "Cooperlake" || core == "Sapphirerapids";
  // sgemm_kernel_8x4_haswell: three vectors along, four across.
  if (library == "openblas") return wide ? LibraryLoop{64, core, {}} : LibraryLoop{32, core, "[24, 4, 320]"};
#endif
  return {};
}

std::vector<std::pair<std::string, std::string>> library_versions() {
  std::vector<std::pair<std::string, std::string>> out;
  char text[64];
#ifdef SPARSESIM_HAVE_ONEDNN
  const dnnl_version_t* v = dnnl_version();
  std::snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
  out.emplace_back("oneDNN", text);
#endif
#ifdef SPARSESIM_HAVE_OPENBLAS
  out.emplace_back("OpenBLAS", std::string(openblas_get_config()) + ", kernels for " + openblas_get_corename());
#endif
  std::snprintf(text, sizeof text, "%d.%d.%d", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION);
  out.emplace_back("Eigen", text);
#ifdef __VERSION__
  out.emplace_back("compiler", __VERSION__);
#endif
  return out;
}

}  // namespace sparsesim::measure
