#include "models/ops/structured/structured_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "models/ops/chain.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/limits.h"
#include "models/ops/row_map.h"
#include "models/ops/structured/structured_batch.h"
#include "models/ops/structured/structured_fft.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

GemmSize gemm_of(const StructuredSize& size, std::int64_t n, std::int64_t k) {
  return {.m = size.m, .n = n, .k = k, .dtype = size.dtype, .accumulate = size.accumulate};
}

// Low rank: [k, rank] times [rank, n].

double low_rank_parameters(const StructuredSize& size) { return real(size.rank) * (real(size.k) + real(size.n)); }

void lower_low_rank(Program& program, const StructuredSize& size, const LowerContext& context) {
  append(program, lower_gemm(gemm_of(size, size.rank, size.k), context.substrate, context.ideal));
  append(program, lower_gemm(gemm_of(size, size.n, size.rank), context.substrate, context.ideal));
}

// Monarch: block-diagonal, permutation, block-diagonal. The inner side is the shorter of the outer ones.

std::int64_t inner_side(const StructuredSize& size) { return std::min(size.n, size.k); }

double monarch_parameters(const StructuredSize& size) {
  return real(inner_side(size)) * (real(size.k) + real(size.n)) / real(size.blocks);
}

void lower_monarch(Program& program, const StructuredSize& size, const LowerContext& context) {
  const Substrate& substrate = context.substrate;
  const std::int64_t inner = inner_side(size) / size.blocks;
  append(program,
         lower_batched_gemm(size.blocks, gemm_of(size, inner, size.k / size.blocks), substrate, context.ideal));
  ElementwiseSize permutation;
  permutation.name = "permutation";
  permutation.elements = size.m * inner_side(size);
  permutation.dtype = size.dtype;
  permutation.flops_per_element = 0;
  append(program, lower_elementwise(permutation, substrate));
  append(program,
         lower_batched_gemm(size.blocks, gemm_of(size, size.n / size.blocks, inner), substrate, context.ideal));
}

// Butterfly: log2(n) factors, each of n / 2 products of 2 x 2.

double butterfly_parameters(const StructuredSize& size) { return 2 * real(size.n) * log2_of(size.n); }

void lower_butterfly(Program& program, const StructuredSize& size, const LowerContext& context) {
  const auto factors = static_cast<std::int64_t>(log2_of(size.n));
  for (std::int64_t done = 0; done < factors; done += size.stages_per_pass) {
    const double stages = real(std::min(size.stages_per_pass, factors - done));
    ElementwiseSize pass;
    pass.name = "butterfly";
    pass.elements = size.m * size.n;
    pass.dtype = size.dtype;
    pass.reads = 1 + 2 * stages / real(size.m);  // two weights per column and factor, read once
    pass.flops_per_element = 4 * stages;         // two multiply-adds
    append(program, lower_elementwise(pass, context.substrate));
  }
}

// Circulant and Toeplitz: transform the activations, multiply the spectra, transform back.

std::int64_t transform_length(const StructuredSize& size) {
  return size.structure == "circulant" ? size.n : next_power_of_two(size.n + size.k - 1);
}

double circulant_parameters(const StructuredSize& size) { return real(size.n); }
double toeplitz_parameters(const StructuredSize& size) { return real(size.n) + real(size.k) - 1; }

double fourier_macs(const StructuredSize& size) {
  const std::int64_t length = transform_length(size);
  return (2 * fourier_flops(length) + spectrum_product_flops(length)) / 2;
}

void lower_fourier(Program& program, const StructuredSize& size, const LowerContext& context) {
  FourierSize transform;
  transform.rows = size.m;
  transform.length = transform_length(size);
  transform.values = size.k;
  transform.dtype = size.dtype;
  append_fourier(program, transform, context.substrate);
  append_spectrum_product(program, size.m, transform.length, context.substrate);
  transform.inverse = true;
  transform.values = size.n;
  append_fourier(program, transform, context.substrate);
}

struct Structure {
  std::string_view name;
  double (*parameters)(const StructuredSize&);
  double (*macs)(const StructuredSize&);  // per row of activations
  void (*lower)(Program&, const StructuredSize&, const LowerContext&);
  std::string_view key;       // that it needs; empty: none
  bool square_power = false;  // n = k, a power of two
};

constexpr std::array<Structure, 5> kStructures = {{
    {"low_rank", low_rank_parameters, low_rank_parameters, lower_low_rank, "rank"},
    {"monarch", monarch_parameters, monarch_parameters, lower_monarch, "blocks"},
    {"butterfly", butterfly_parameters, butterfly_parameters, lower_butterfly, "", true},
    {"circulant", circulant_parameters, fourier_macs, lower_fourier, "", true},
    {"toeplitz", toeplitz_parameters, fourier_macs, lower_fourier, ""},
}};

const Structure& structure_of(const StructuredSize& size) {
  for (const Structure& structure : kStructures)
    if (structure.name == size.structure) return structure;
  throw UnsupportedError("no structured matrix is called " + size.structure);
}

std::array<std::string_view, kStructures.size()> structure_names() {
  std::array<std::string_view, kStructures.size()> names;
  std::transform(kStructures.begin(), kStructures.end(), names.begin(), [](const Structure& s) { return s.name; });
  return names;
}

/// Reports what the structure does not allow.
void check(config::MapReader& map, const StructuredSize& size) {
  const Structure& structure = structure_of(size);
  for (const auto& [key, value] :
       {std::pair<std::string_view, std::int64_t>{"rank", size.rank}, {"blocks", size.blocks}})
    if ((value > 0) != (structure.key == key))
      map.mistake(key, fmt::format("{} weights {} {}", size.structure, value > 0 ? "have no" : "need", key));
  if (size.stages_per_pass > 1 && size.structure != "butterfly")
    map.mistake("stages_per_pass", fmt::format("{} weights have no stages_per_pass", size.structure));
  if (structure.square_power &&
      (size.n != size.k || size.n < 2 || !std::has_single_bit(static_cast<std::uint64_t>(size.n))))
    map.mistake("n", fmt::format("{} weights are square, their side a power of two; found {} x {}", size.structure,
                                 size.k, size.n));
  if (size.blocks > 0 && (size.n % size.blocks != 0 || size.k % size.blocks != 0))
    map.mistake("blocks", fmt::format("{} blocks do not divide {} x {}", size.blocks, size.k, size.n));
}

}  // namespace

double parameters(const StructuredSize& size) { return structure_of(size).parameters(size); }

double work_share(const StructuredSize& size) { return structure_of(size).macs(size) / (real(size.n) * real(size.k)); }

Program StructuredMatrix::lower(const LowerContext& context) const {
  const double widest = std::max({real(size_.n), real(size_.k), real(transform_length(size_))});
  require_at_most(real(size_.m) * widest, kElementsMost, "elements of activations");
  Program program;
  structure_of(size_).lower(program, size_, context);
  return program;
}

Program StructuredMatrix::lower_dense(const LowerContext& context) const {
  return Gemm(gemm_of(size_, size_.n, size_.k)).lower(context);
}

SparsitySummary StructuredMatrix::sparsity(const LowerContext&) const {
  SparsitySummary summary;
  summary.declared = std::max(0.0, 1 - work_share(size_));
  return summary;
}

std::unique_ptr<Op> read_structured_matrix(config::MapReader& map) {
  static constexpr std::array<std::string_view, 4> kTypes = {"fp32", "tf32", "fp16", "bf16"};
  static constexpr std::array<std::string_view, 2> kSums = {"fp32", "fp16"};
  const auto names = structure_names();
  const std::size_t mistakes = map.diagnostics().mistakes().size();
  StructuredSize size;
  size.m = map.integer("m", 1, kExtentMost);
  size.n = map.integer("n", 1, kExtentMost);
  size.k = map.integer("k", 1, kExtentMost);
  size.dtype = map.choice("dtype", kTypes, "bf16");
  size.accumulate = map.choice("accumulate", kSums, "fp32");
  size.structure = map.choice("structure", names);
  size.rank = map.integer("rank", 0, kExtentMost, 0);
  size.blocks = map.integer("blocks", 0, kExtentMost, 0);
  size.stages_per_pass = map.integer("stages_per_pass", 1, 31, 1);
  if (map.diagnostics().mistakes().size() == mistakes) check(map, size);
  if (map.diagnostics().mistakes().size() > mistakes) return nullptr;
  return std::make_unique<StructuredMatrix>(std::move(size));
}

std::unique_ptr<Op> structured_matrix_from_row(const MeasuredOp& row) { return read_row(row, read_structured_matrix); }

}  // namespace sparsesim
