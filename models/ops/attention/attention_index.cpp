#include "models/ops/attention/attention_index.h"

#include <cmath>

#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// A call whose work and fixed cost `calls` others share.
Launch shared_launch(StreamingCall call, std::int64_t calls, const Substrate& substrate) {
  const double share = 1.0 / static_cast<double>(calls);
  call.tasks *= share;
  Launch launch = lower_streaming(call, substrate);
  launch.fixed_seconds *= share;
  return launch;
}

/// Mask of every score, reduced to one flag per block; then kernels that count the flags and put them in order.
std::vector<Launch> build_block_mask(const AttentionSize& size, const AttentionKernel& kernel,
                                     const Substrate& substrate) {
  const Kernel& library = find_kernel(substrate, "attention_index", size.dtype, "blocks");
  const ScoreSpace space = score_space(size, kernel);
  const auto block_rows = static_cast<double>(ceil_div(size.queries, space.tile_rows));
  const auto block_columns = static_cast<double>(ceil_div(size.keys, space.tile_keys));
  StreamingCall call;
  call.name = "attention block mask";
  call.kernel = library.name;
  call.dtype = size.dtype;
  call.threads = static_cast<int>(kernel_constant(library, "threads"));
  call.trips = kernel_constant(library, "trips");
  std::vector<Launch> launches;
  if (size.sizes.mask.rows.empty()) {  // a mask from a file is one of blocks already
    call.tasks = block_rows * block_columns;
    call.write_bytes = 4;
    call.flops = static_cast<double>(space.tile_rows * space.tile_keys) * kernel_constant(library, "ops_per_score");
    launches.push_back(shared_launch(call, size.index_calls, substrate));
  }
  call.flops = 0;
  call.tasks = block_rows;
  call.read_bytes = call.write_bytes = 4 * block_columns;
  for (int pass = 0; pass < kernel_constant(library, "list_kernels"); ++pass)
    launches.push_back(shared_launch(call, size.index_calls, substrate));
  return launches;
}

/// Scores of all page summaries, then the best of each row of scores.
std::vector<Launch> retrieve_pages(const AttentionSize& size, const Substrate& substrate, const Ideal& ideal) {
  const Kernel& library = find_kernel(substrate, "attention_index", size.dtype, "pages");
  const std::int64_t pages = ceil_div(size.keys, size.sizes.page);
  const std::int64_t query_blocks = ceil_div(size.queries, size.sizes.query_block);
  const double summaries = kernel_constant(library, "summaries"), head_dim = static_cast<double>(size.head_dim);
  const double group = static_cast<double>(size.heads / size.kv_heads);
  StreamingCall call;
  call.name = "attention page scores";
  call.kernel = library.name;
  call.dtype = size.dtype;
  call.threads = static_cast<int>(kernel_constant(library, "threads"));
  call.trips = 1;
  std::vector<Launch> launches;
  if (size.decode()) {  // every summary is read once, for few queries
    const double pages_per_task = kernel_constant(library, "pages_per_task");
    call.tasks =
        static_cast<double>(size.batch * size.kv_heads) * std::ceil(static_cast<double>(pages) / pages_per_task);
    call.read_bytes = pages_per_task * summaries * head_dim * element_bytes(size.dtype);
    call.write_bytes = pages_per_task * 4 * group;
    call.flops = pages_per_task * summaries * head_dim * 2 * group;
    launches.push_back(shared_launch(call, size.index_calls, substrate));
  } else {
    const std::int64_t rows = ceil_div(size.batch * size.heads * query_blocks, size.index_calls);
    launches.push_back(lower_gemm(rows, pages, size.head_dim, size.dtype, substrate, ideal));
    launches.back().name = call.name;
    launches.back().fixed_seconds /= static_cast<double>(size.index_calls);
  }
  call.name = "attention page choice";
  call.trips = kernel_constant(library, "trips");
  call.tasks = static_cast<double>(size.batch * size.kv_heads * query_blocks);
  call.read_bytes = static_cast<double>(pages) * 4 * group;
  call.write_bytes = static_cast<double>(size.sizes.pages) * 4;
  call.flops = static_cast<double>(pages) * group;
  launches.push_back(shared_launch(call, size.index_calls, substrate));
  return launches;
}

}  // namespace

std::vector<Launch> lower_attention_index(const AttentionSize& size, const AttentionKernel& kernel,
                                          const Substrate& substrate, const Ideal& ideal) {
  if (size.pattern == nullptr || ideal.metadata) return {};
  if (size.pattern == find_key_pattern("retrieved")) return retrieve_pages(size, substrate, ideal);
  const bool walks_blocks = takes(*kernel.kernel, "blocks", size.dtype);
  return walks_blocks && !size.mask_only ? build_block_mask(size, kernel, substrate) : std::vector<Launch>{};
}

}  // namespace sparsesim
