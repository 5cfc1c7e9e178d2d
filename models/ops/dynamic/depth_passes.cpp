#include "models/ops/dynamic/depth_passes.h"

#include <algorithm>

#include "models/ops/attention/index_passes.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm.h"

namespace sparsesim {
namespace {

Launch named(Launch launch, const char* name) {
  launch.name = name;
  return launch;
}

Launch pass(std::int64_t elements, double reads, double writes, double flops, const DepthSize& size,
            const LowerContext& context, const char* name) {
  return lower_elementwise({.name = name,
                            .elements = std::max<std::int64_t>(1, elements),
                            .dtype = size.layer.dtype,
                            .reads = reads,
                            .writes = writes,
                            .flops_per_element = flops},
                           context.substrate);
}

}  // namespace

std::vector<Launch> exit_passes(const DepthSize& size, const DepthChange& change, const LowerContext& context) {
  const Substrate& substrate = context.substrate;
  const std::string& dtype = size.layer.dtype;
  std::vector<Launch> launches;
  if (size.exit_classes > 0) {
    launches.push_back(
        named(lower_gemm(change.ran_requests, size.exit_classes, size.layer.hidden, dtype, substrate, context.ideal),
              "exit_classifier"));
    launches.push_back(pass(change.ran_requests * size.exit_classes, 1, 0, 3, size, context, "exit_confidence"));
  } else {
    launches.push_back(pass(change.ran_requests * size.layer.hidden, 2, 0, 6, size, context, "exit_similarity"));
  }
  if (size.rebatch == Rebatch::none || change.requests == 0 || change.requests == change.ran_requests) return launches;
  launches.push_back(
      named(lower_compact(change.ran_requests, 1, change.requests, dtype, "tokens", substrate), "exit_compact"));
  Launch pack = lower_gather_rows("exit_pack", change.tokens, size.layer.hidden, dtype, substrate);
  // The next kernels have another shape: they come from the host, not from the graph.
  pack.fixed_seconds += substrate.dispatch.launch;
  launches.push_back(std::move(pack));
  return launches;
}

std::vector<Launch> keep_passes(const DepthSize& size, const DepthChange& change, const LowerContext& context) {
  const Substrate& substrate = context.substrate;
  const std::string& dtype = size.layer.dtype;
  const std::int64_t hidden = size.layer.hidden;
  const std::int64_t requests = std::max<std::int64_t>(1, change.requests);
  const std::int64_t each = std::max<std::int64_t>(1, change.ran_tokens / requests), half = (each + 1) / 2;
  std::vector<Launch> launches;
  if (size.merge) {
    launches.push_back(named(lower_gemm(requests * half, half, size.layer.head_dim, dtype, substrate, context.ideal),
                             "merge_similarity"));
    launches.push_back(pass(pass_elements(static_cast<double>(requests * half) * static_cast<double>(half)), 1, 0, 1,
                            size, context, "merge_nearest"));
  } else {
    launches.push_back(pass(change.ran_tokens * hidden, 1, 0, 2, size, context, "keep_score"));
  }
  launches.push_back(
      named(lower_select(requests, each, change.tokens / requests, dtype, "tokens", substrate), "keep_select"));
  if (size.merge && change.ran_tokens > change.tokens)
    launches.push_back(pass((change.ran_tokens - change.tokens) * hidden, 2, 1, 1, size, context, "merge_sum"));
  launches.push_back(
      lower_gather_rows("keep_pack", std::max<std::int64_t>(1, change.tokens), hidden, dtype, substrate));
  return launches;
}

std::vector<Launch> skip_passes(const DepthSize& size, const DepthChange& change, const LowerContext& context,
                                bool after) {
  const Substrate& substrate = context.substrate;
  const std::string& dtype = size.layer.dtype;
  const std::int64_t hidden = size.layer.hidden;
  std::vector<Launch> launches;
  if (after) {
    launches.push_back(pass(change.tokens * hidden, 2, 1, 2, size, context, "skip_sum"));
    return launches;
  }
  const std::int64_t requests = std::max<std::int64_t>(1, change.requests);
  launches.push_back(pass(change.ran_tokens * hidden, 1, 0, 2, size, context, "skip_router"));
  launches.push_back(named(lower_select(requests, std::max<std::int64_t>(1, change.ran_tokens / requests),
                                        change.tokens / requests, dtype, "tokens", substrate),
                           "skip_select"));
  launches.push_back(
      lower_gather_rows("skip_pack", std::max<std::int64_t>(1, change.tokens), hidden, dtype, substrate));
  return launches;
}

std::vector<Launch> owed_keys(const DepthSize& size, std::int64_t requests, const LowerContext& context) {
  const std::int64_t width = size.layer.kv_heads * size.layer.head_dim;
  std::vector<Launch> launches;
  launches.push_back(
      named(lower_gemm(requests, 2 * width, size.layer.hidden, size.layer.dtype, context.substrate, context.ideal),
            "owed_keys"));
  launches.push_back(lower_cache_write(requests, static_cast<double>(width), size.layer.dtype, context.substrate));
  return launches;
}

}  // namespace sparsesim
