#include "models/substrate/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/substrate/constants.h"
#include "models/substrate/vocabulary.h"
#include "sim/core/printable.h"

namespace sparsesim {
namespace {

using config::Dimension;
using Row = std::vector<std::string>;

/// Columns as wide as their widest cell, two spaces apart, no spaces at line ends.
std::string render(std::vector<Row> rows) {
  for (Row& row : rows)
    for (std::string& cell : row) cell = printable(cell);
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string short_time(double seconds) {
  if (seconds >= 1e-6) return fmt::format("{:.3g} us", seconds * 1e6);
  return seconds >= 1e-9 ? fmt::format("{:.3g} ns", seconds * 1e9) : fmt::format("{:.3g} ps", seconds * 1e12);
}

std::string bytes(double count) { return display(count, Dimension::bytes, ""); }

Row granule(const char* what, std::string size, double seconds, std::string remark, const Quantity& known) {
  return {what, std::move(size), short_time(seconds), std::string(name(known.kind)), std::move(remark)};
}

void add_memory(const Substrate& s, std::vector<Row>& rows) {
  const Memory& m = s.memory;
  const double fill = std::max<double>(m.sector, m.fill_granule);
  rows.push_back(granule("line", bytes(m.line), m.line / m.dram_achieved, "streamed from DRAM", m.line));
  rows.push_back(granule("sector", bytes(m.sector), fill / m.dram_achieved,
                         fmt::format("alone it moves {} from DRAM", bytes(fill)), m.fill_granule));
}

/// A line from the own domain and from the others.
void add_domains(const Substrate& s, std::vector<Row>& rows) {
  const Numa& n = s.memory.numa;
  if (n.domains.value <= 1) return;
  const double sockets = std::max(1.0, n.sockets.value), per_socket = n.domains / sockets;
  const auto add = [&](const char* what, const Quantity& latency, const Quantity& link) {
    const std::string rate =
        link.value > 0 ? fmt::format("at most {:.3g} GB/s", link / 1e9) : std::string("at its bandwidth");
    rows.push_back(granule(what, bytes(s.memory.line), latency, rate, latency));
  };
  rows.push_back(granule("NUMA domain", fmt::format("{:.3g} GB", s.memory.dram_bytes / n.domains / 1e9),
                         s.memory.dram_latency,
                         fmt::format("{:g} of {:.3g} GB/s on {:g} socket{}, pages by {}", n.domains.value,
                                     s.memory.dram_achieved / n.domains / 1e9, sockets, sockets > 1 ? "s" : "",
                                     kNumaPlacements[static_cast<std::size_t>(n.placement)]),
                         n.domains));
  if (per_socket > 1) add("remote line", n.remote_latency, n.link);
  if (sockets > 1) add("line of another socket", n.socket_latency, n.socket_link);
}

void add_dispatch(const Substrate& s, std::vector<Row>& rows) {
  const Dispatch& d = s.dispatch;
  const int slots = s.compute.units * s.compute.tasks_per_unit;
  rows.push_back(granule("task", "1 task", 1 / d.rate, fmt::format("at most {} resident", slots), d.rate));
  const double call = d.graph_node + d.grid_start;
  rows.push_back(
      granule("kernel call", "1 call", call,
              fmt::format("in a graph; as long as {:.3g} MB of DRAM traffic", call * s.memory.dram_achieved / 1e6),
              d.grid_start));
}

void add_steps(const Substrate& s, std::vector<Row>& rows) {
  for (const auto& [dtype, rate] : s.compute.pipes.tensor) {
    if (!rate.step_m.given() || !rate.step_n.given() || !rate.step_k.given()) continue;
    const double flop = 2 * rate.step_m * rate.step_n * rate.step_k;
    const double cycles =
        std::max<double>(flop / rate.dense / s.compute.pipes.tensor_sustained, s.compute.pipes.instruction_floor);
    rows.push_back(granule(
        "matrix step", fmt::format("{} {:g}x{:g}x{:g}", dtype, rate.step_m.value, rate.step_n.value, rate.step_k.value),
        cycles / s.compute.clock,
        fmt::format("on one of {} units; {}", int{s.compute.units},
                    rate.sparse > 1 ? fmt::format("2:4 runs {:g} times as fast", rate.sparse.value) : "no 2:4"),
        rate.dense));
  }
}

void add_fabric(const Substrate& s, std::vector<Row>& rows) {
  const Fabric& f = s.fabric;
  if (!f.packet.given() || !f.link_bandwidth.given()) return;
  const double efficiency = f.link_efficiency.given() ? f.link_efficiency.value : 1.0;
  rows.push_back(granule(
      "packet", bytes(f.packet), f.packet / (f.link_bandwidth * efficiency),
      fmt::format("on {}; {} devices, {} after the first byte leaves", f.name, f.devices, short_time(f.link_latency)),
      f.packet));
}

std::string rounded(double value) { return fmt::format("{:.3g}", value); }

std::string range_of(const Quantity& q) {
  return q.low == q.value && q.high == q.value ? "" : short_time(q.low) + " .. " + short_time(q.high);
}

/// The curve as a few points: all of a short one, every n-th of a longer one and the last.
std::string few_points(const MeasuredCurve& curve) {
  constexpr std::size_t kShown = 9;
  const std::size_t last = curve.points.size() - 1, step = std::max<std::size_t>(1, (last + kShown - 2) / (kShown - 1));
  std::string out;
  const auto add = [&](const CurvePoint& p) {
    out += (out.empty() ? "" : "  ") + (curve.x_unit == "B" ? bytes(p.x) : rounded(p.x)) + ": " + rounded(p.p50);
  };
  for (std::size_t i = 0; i < last; i += step) add(curve.points[i]);
  add(curve.points[last]);
  return out;
}

/// What was measured of the machine itself.
std::string head_table(const MeasuredHead& head) {
  if (!head.given()) return {};
  std::string out = fmt::format("measured on {} ({}), {}\nclock: {}\n", head.date, head.backend, printable(head.device),
                                printable(head.clock));
  for (const auto& [what, version] : head.versions) out += printable(fmt::format("{}: {}", what, version)) + "\n";
  for (const auto& [what, why] : head.missing) out += printable(fmt::format("not measured: {}: {}", what, why)) + "\n";
  std::vector<Row> granules = {{"measured granule", "size", "cost", "range", "remark"}};
  for (const MeasuredGranule& g : head.granules)
    granules.push_back({g.name, g.unit == "B" ? bytes(g.size) : rounded(g.size) + " " + g.unit, short_time(g.cost),
                        range_of(g.cost), g.remark});
  std::vector<Row> curves = {{"curve", "x", "median", "points"}};
  for (const MeasuredCurve& c : head.curves)
    if (!c.points.empty()) curves.push_back({c.name, c.x_unit, c.y_unit, few_points(c)});
  return out + "\n" + render(granules) + "\n" + render(curves) + "\n";
}

std::string all_numbers(const Substrate& s) {
  std::vector<Row> rows = {{"quantity", "value", "range", "kind", "source", "fitted to"}};
  for (const Constant& constant : constants(s)) {
    const Quantity& q = constant.quantity;
    std::string range;
    if (q.low != q.value || q.high != q.value) {
      range = display(q.low, constant.dimension, constant.path) + " .. " +
              display(q.high, constant.dimension, constant.path);
    }
    rows.push_back({constant.path, display(q, constant.dimension, constant.path), range, std::string(name(q.kind)),
                    q.source, q.fitted_to});
  }
  return render(rows);
}

}  // namespace

std::string fingerprint_table(const Substrate& s) {
  std::vector<Row> rows = {{"granule", "size", "realised cost", "kind", "remark"}};
  add_memory(s, rows);
  add_domains(s, rows);
  add_dispatch(s, rows);
  add_steps(s, rows);
  add_fabric(s, rows);
  const auto counts = provenance_counts(s);
  std::string out = printable(fmt::format("{}: {}", s.name, s.title)) + "\n";
  out += fmt::format("{} numbers: {} spec, {} measured, {} fitted, {} guessed; {} kernels\n\n",
                     counts[0] + counts[1] + counts[2] + counts[3], counts[0], counts[1], counts[2], counts[3],
                     s.kernels.size());
  out += render(rows) + "\n" + head_table(s.fingerprint) + all_numbers(s) + "\n";
  std::vector<Row> sources = {{"source", "citation"}};
  for (const auto& [key, citation] : s.sources) sources.push_back({key, citation});
  return out + render(sources);
}

}  // namespace sparsesim
