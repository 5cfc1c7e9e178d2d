#include "models/whole/op_text.h"

#include <fmt/format.h>

#include "models/ops/registry.h"
#include "sim/config/reader.h"

namespace sparsesim {
namespace {

std::string map_text(const ModelOp& op) {
  const std::string removed = op.removed > 0 ? fmt::format("removed: {}, ", op.removed) : "";
  return fmt::format("{{name: {}, repeat: {}, {}{}}}", config::yaml_text(op.name), op.repeat, removed, op.keys);
}

}  // namespace

std::unique_ptr<Op> read_op_text(const std::string& keys, const std::string& file) {
  config::Diagnostics diagnostics;
  config::MapReader map(config::load_text("{" + keys + "}", file, diagnostics), diagnostics);
  const auto kind = map.optional("op");
  const OpKind* row = kind ? find_op_kind(kind->scalar()) : nullptr;
  std::unique_ptr<Op> op = row != nullptr ? row->read(map) : nullptr;
  map.finish();
  diagnostics.throw_if_any();
  return op;
}

config::Node op_node(const ModelOp& op, const std::string& file, config::Diagnostics& diagnostics) {
  return config::load_text(map_text(op), file, diagnostics);
}

std::string op_line(const ModelOp& op) { return "  - " + map_text(op) + "\n"; }

}  // namespace sparsesim
