#include "models/ops/dense/send.h"

#include <fmt/format.h>

#include <stdexcept>

#include "models/ops/row_map.h"
#include "sim/core/counts.h"

namespace sparsesim {

SendOp::SendOp(int pairs, double bytes) : pairs_(pairs), bytes_(bytes) {
  if (pairs < 1 || !(bytes >= 0)) throw std::invalid_argument("a send needs devices and a size");
}

Program SendOp::lower(const LowerContext& context) const {
  const Fabric& fabric = context.substrate.fabric;
  const int all = devices();
  if (all > fabric.devices || (fabric.topology == "none" && fabric.links.empty()))
    throw UnsupportedError(
        fmt::format("the fabric of {} joins {} devices, send needs {}", context.substrate.name, fabric.devices, all));
  Stage stage;
  stage.type = Stage::Type::exchange;
  stage.exchange = {"send", "all_to_all", all, {}, 0};
  stage.exchange.bytes.resize(static_cast<std::size_t>(all) * static_cast<std::size_t>(all));
  for (int from = 0; from < pairs_; ++from) stage.exchange.bytes[at(std::int64_t{from} * all + from + pairs_)] = bytes_;
  return {all, {stage}};
}

std::unique_ptr<Op> read_send(config::MapReader& map) {
  const double bytes = map.quantity("bytes", config::Dimension::bytes, {0.0, 1e15, true});
  return std::make_unique<SendOp>(static_cast<int>(map.integer("devices", 1, 1024, 1)), bytes);
}

std::unique_ptr<Op> send_from_row(const MeasuredOp& row) { return read_row(row, read_send); }

}  // namespace sparsesim
