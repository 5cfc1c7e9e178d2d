#include "models/ops/kinds.h"

#include <algorithm>
#include <array>

namespace sparsesim {
namespace {

constexpr std::array<SparsityKind, 13> kKinds{{
    {"unstructured", "single weights anywhere are zero", "CSR, CSC, COO, bitmap, tiles", "spmm",
     "spmm_rows spmm_scatter gemm array_columns array_outer array_stationary", "unstructured",
     "pruned-linear pruned-formats pruned-levels"},
    {"n-of-m", "of every M weights in a row, N are kept", "2:4 values and 2-bit places, 1:4 to 6:8, V:N:M", "spmm",
     "gemm", "2:4 n:m vnm", "pruned-2to4 llm-projection pruned-n-of-m pruned-2to4-setup pruned-2to4-builds"},
    {"block", "whole blocks or column vectors of weights are zero", "BSR, Blocked-ELL, column vectors", "spmm",
     "spmm_rows spmm_scatter array_columns array_outer array_stationary", "block vector",
     "pruned-block pruned-block-sizes"},
    {"structured", "whole outputs, inputs, heads or layers are removed", "smaller dense weights",
     "pruned_gemm pruned_attention", "gemm attention", "dense", "pruned-channels llm-channels"},
    {"activation", "activations are zero, and weights that meet only those are not read",
     "thresholds, masks, index lists", "activation_gemm", "activation_gemv activation_gather", "activation",
     "activation-sparse-decode contextual-sparsity llm-activations"},
    {"tokens", "tokens and requests drop out between layers", "kept shares, exit depths, capacities", "layer_stack",
     "select compact", "tokens", "early-exit token-pruning-vit mixture-of-depths"},
    {"attention", "queries see some of the keys",
     "windows, sinks, documents, random, strided and retrieved blocks, block masks", "attention",
     "attention attention_backward attention_index", "window documents pages blocks",
     "window-attention-32k documents-packed bigbird streaming-decode retrieved-decode retrieved-prefill "
     "dilated-attention"},
    {"experts", "a token visits some of the expert networks",
     "routing laws, counts, traces (.csv, .jsonl, .npy); capacity, copies, expert choice", "moe_ffn grouped_gemm",
     "grouped_gemm moe_router moe_align", "experts",
     "moe64 mixtral-8x7b-layer llm-experts moe-decode moe-expert-choice moe-replicas"},
    {"gathers", "few rows of a table or few lists of vectors are read", "row numbers, inverted lists",
     "embedding_bag ivf_scan", "embedding_bag list_scan top_k", "gather inverted_lists",
     "embedding-recommendation embedding-bags ivf-retrieval"},
    {"products", "both operands of a product are sparse: graphs, meshes, sparse weights and activations",
     "CSR, CSC; drawn (uniform, power law, R-MAT, banded) or read (.mtx, .smtx, .npz)", "spgemm",
     "spgemm_rows spgemm_outer spgemm_tiles", "sparse_product", "sparse-products"},
    {"matrices", "weights are products of sparse or structured factors",
     "low rank, Monarch, butterfly, circulant, Toeplitz", "structured_matrix", "gemm elementwise fft",
     "dense circulant", "structured-matrices llm-low-rank"},
    {"training", "weights, gradients and optimizer state are sparse while they change",
     "packed copies for both directions, sampled gradients, masks by step", "training_linear moe_training",
     "weight_pack mask_update sddmm", "2:4 unstructured vector block",
     "training-2to4 llm-training training-moe prune-and-regrow"},
    {"quantised", "weights are sparse and have few bits", "2:4 with int8, fp8 or int4, 4- and 8-bit values with places",
     "spmm", "spmm_rows gemm", "quantised", "pruned-quantised"},
}};

/// Whether a space-separated list has the word.
bool names(std::string_view list, std::string_view word) {
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find(' ', begin), list.size());
    if (list.substr(begin, end - begin) == word) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::span<const SparsityKind> sparsity_kinds() { return kKinds; }

bool serves(const Kernel& kernel, const SparsityKind& kind) {
  if (!names(kind.kernel_ops, kernel.op)) return false;
  return std::any_of(kernel.patterns.begin(), kernel.patterns.end(),
                     [&](const std::string& pattern) { return names(kind.kernel_patterns, pattern); });
}

}  // namespace sparsesim
