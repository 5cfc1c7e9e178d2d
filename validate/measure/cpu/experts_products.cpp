// Products of all experts by one library call each, and how many rows an expert has.

#include <algorithm>

#include "models/sparsity/routing/routing.h"
#include "validate/measure/cpu/bytes.h"
#include "validate/measure/cpu/experts.h"

namespace sparsesim::measure {
namespace {

DenseShape expert_shape(std::int64_t rows, std::int64_t n, std::int64_t k, DenseType type) {
  DenseShape shape;
  shape.m = std::max<std::int64_t>(rows, 1);
  shape.n = n;
  shape.k = k;
  shape.type = type;
  shape.fixed = Fixed::right;
  return shape;
}

}  // namespace

std::vector<std::int64_t> draw_counts(const std::string& routing, std::int64_t tokens, std::int64_t experts,
                                      std::int64_t top_k, std::uint64_t seed) {
  try {
    const Routing law = parse_routing(routing);
    if (law.kind == Routing::Kind::trace) throw NotHere("routing is drawn here, not read from a trace");
    return route(law, {tokens, experts, top_k}, {seed, false});
  } catch (const RoutingError& error) {
    throw NotHere(error.what());
  }
}

ExpertProducts::ExpertProducts(const std::string& library, std::int64_t rows, std::int64_t n, std::int64_t k,
                               DenseType type, const CpuContext& context)
    : base_(make_dense(library, expert_shape(rows, n, k, type), context)),
      expert_bytes_(round_up(base_->prepared_bytes(), kLine)),
      row_bytes_(static_cast<std::size_t>(k) * operand_bytes(type)),
      result_row_bytes_(static_cast<std::size_t>(n) * result_bytes(type)) {}

void ExpertProducts::prepare(const void* weights, void* all_experts, std::int64_t expert) {
  base_->prepare(weights, static_cast<std::byte*>(all_experts) + static_cast<std::size_t>(expert) * expert_bytes_);
}

DenseKernel& ExpertProducts::product_of(std::int64_t rows) {
  const auto place = static_cast<std::size_t>(rows);
  if (place >= by_rows_.size()) by_rows_.resize(place + 1);
  if (!by_rows_[place]) by_rows_[place] = base_->resized(rows);
  return *by_rows_[place];
}

void ExpertProducts::make_ready(const std::vector<std::int64_t>& counts) {
  for (const std::int64_t count : counts)
    if (count > 0) product_of(count);
}

void ExpertProducts::run(const std::vector<std::int64_t>& counts, const void* rows, const void* all_experts,
                         void* results) {
  const auto* weights = static_cast<const std::byte*>(all_experts);
  const auto* from = static_cast<const std::byte*>(rows);
  auto* to = static_cast<std::byte*>(results);
  for (std::size_t expert = 0; expert < counts.size(); ++expert) {
    const auto count = static_cast<std::size_t>(counts[expert]);
    if (count == 0) continue;
    product_of(counts[expert]).run(from, weights + expert * expert_bytes_, to);
    from += count * row_bytes_;
    to += count * result_row_bytes_;
  }
}

}  // namespace sparsesim::measure
