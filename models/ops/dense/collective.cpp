#include "models/ops/dense/collective.h"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

namespace sparsesim {
namespace {

constexpr std::int64_t kMostDevices = 65536;
constexpr double kMostBytes = 1e15;

}  // namespace

CollectiveOp::CollectiveOp(Collective collective, int devices, double bytes)
    : collective_(collective), devices_(devices), bytes_(bytes) {
  if (devices < 1 || !(bytes >= 0)) throw std::invalid_argument("a collective needs devices and a size");
}

Program CollectiveOp::lower(const LowerContext& context) const {
  const Fabric& fabric = context.substrate.fabric;
  if (devices_ > 1 && fabric.topology == "none" && fabric.links.empty())
    throw UnsupportedError(
        fmt::format("{} has no fabric for {} among {} devices", context.substrate.name, kind(), devices_));
  if (devices_ > 1 && devices_ > fabric.devices)
    throw UnsupportedError(fmt::format("the fabric of {} joins {} devices, {} needs {}", context.substrate.name,
                                       fabric.devices, kind(), devices_));
  Stage stage;
  stage.type = Stage::Type::exchange;
  stage.exchange = {std::string(kind()), std::string(kind()), devices_, {}, bytes_};
  return {devices_, {stage}};
}

std::unique_ptr<Op> read_collective(std::string_view kind, config::MapReader& map) {
  const auto collective = collective_by_name(kind);
  if (!collective) throw std::invalid_argument(fmt::format("\"{}\" is no collective", kind));
  const double bytes = map.quantity("bytes", config::Dimension::bytes, {0.0, kMostBytes, true});
  const auto devices = static_cast<int>(map.integer("devices", 1, kMostDevices, 8));
  return std::make_unique<CollectiveOp>(*collective, devices, bytes);
}

std::unique_ptr<Op> collective_from_row(const MeasuredOp& row) {
  const auto collective = collective_by_name(row.op);
  if (!collective) throw UnsupportedError(fmt::format("\"{}\" is no collective", row.op));
  if (!row.pattern.empty() && row.pattern != "dense")
    throw UnsupportedError(fmt::format("{} with pattern {} is not covered", row.op, row.pattern));
  const auto found = row.params.find("bytes");
  if (found == row.params.end()) throw UnsupportedError(row.op + " needs params bytes=");
  const std::string& text = found->second;
  std::int64_t bytes = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc{} || rest != text.data() + text.size() || bytes <= 0 ||
      static_cast<double>(bytes) > kMostBytes)
    throw UnsupportedError(fmt::format("{}: bytes=\"{}\" is no size", row.op, text));
  if (row.devices < 1) throw UnsupportedError(row.op + " needs devices");
  return std::make_unique<CollectiveOp>(*collective, row.devices, static_cast<double>(bytes));
}

}  // namespace sparsesim
