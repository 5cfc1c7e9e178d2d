#include "models/ops/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/ops/gemm.h"

namespace sparsesim {

namespace {

const std::vector<OpKind>& table() {
  static const std::vector<OpKind> kinds{
      {"gemm", "matrix product of activations and weights", read_gemm, gemm_from_row},
  };
  return kinds;
}

}  // namespace

std::span<const OpKind> op_kinds() { return table(); }

const OpKind* find_op_kind(std::string_view name) {
  for (const auto& kind : op_kinds())
    if (kind.name == name) return &kind;
  return nullptr;
}

std::vector<std::string> op_kind_names() {
  std::vector<std::string> names;
  for (const auto& kind : op_kinds()) names.emplace_back(kind.name);
  return names;
}

std::unique_ptr<Op> op_from_row(const MeasuredOp& row) {
  if (const OpKind* kind = find_op_kind(row.op)) return kind->from_row(row);
  const auto names = op_kind_names();
  const std::string near = config::nearest(row.op, names);
  throw UnsupportedError(fmt::format("no model for op \"{}\"{} (known: {})", row.op,
                                     near.empty() ? "" : fmt::format(": did you mean \"{}\"?", near),
                                     fmt::join(names, ", ")));
}

}  // namespace sparsesim
