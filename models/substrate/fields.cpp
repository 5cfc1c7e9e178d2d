// The one table of a substrate's numbers: reading, dumping, the fingerprint, the schema, intervals and sweeps walk it.

#include <algorithm>
#include <utility>

#include "models/substrate/substrate.h"

namespace sparsesim {

void visit_each_fixed(Substrate& s, const FixedVisitor& f) {
  using D = config::Dimension;
  auto& c = s.compute;
  f("compute.units", c.units.quantity, D::none, "compute units (SMs)", true);
  f("compute.clock", c.clock, D::frequency, "sustained clock under plain load", true);
  f("compute.clock_floor", c.clock_floor, D::frequency, "lowest clock under the power cap", false);
  f("compute.tasks_per_unit", c.tasks_per_unit.quantity, D::none, "resident tasks (CTAs) per unit at most", true);
  f("compute.threads_per_unit", c.threads_per_unit.quantity, D::none, "resident threads per unit at most", true);
  f("compute.registers", c.registers_bytes, D::bytes, "register file per unit", true);
  f("compute.scratchpad", c.scratchpad_bytes, D::bytes, "shared memory per unit that tasks can use", true);
  f("compute.scratchpad_banks", c.scratchpad_banks, D::none, "banks of the scratchpad", true);
  f("compute.scratchpad_bank_width", c.scratchpad_bank_bytes, D::bytes, "bytes per bank per cycle", true);
  f("compute.pipes.tensor_sustained", c.pipes.tensor_sustained, D::share,
    "share of the matrix peak that back-to-back instructions reach", true);
  f("compute.pipes.vector", c.pipes.vector, D::per_cycle, "FP32 FLOP per cycle per unit", true);
  f("compute.pipes.special", c.pipes.special, D::per_cycle, "exponentials per cycle per unit", true);
  f("compute.pipes.operand_bandwidth", c.pipes.operand_bandwidth, D::per_cycle,
    "bytes per cycle per unit from the scratchpad into the matrix unit", false);
  f("compute.pipes.instruction_floor", c.pipes.instruction_floor, D::cycles, "shortest matrix instruction", false);
  f("compute.pipes.gather", c.pipes.gather, D::per_cycle, "elements per cycle per unit by gathers that hit L1", false);
  f("compute.pipes.branch_miss", c.pipes.branch_miss, D::cycles, "a mispredicted branch", false);
  auto& d = s.dispatch;
  f("dispatch.rate", d.rate, D::rate, "tasks started per second, whole device", true);
  f("dispatch.hand_over", d.hand_over, D::time, "from a task's end to its successor's start on the same slot", true);
  f("dispatch.launch", d.launch, D::time, "per kernel, back to back in a stream", true);
  f("dispatch.graph_node", d.graph_node, D::time, "per kernel, replayed from a graph", true);
  f("dispatch.grid_start", d.grid_start, D::time,
    "start and drain of a grid inside a graph, before and after useful work", true);
  f("dispatch.grid_sync", d.grid_sync, D::time, "barrier over all tasks of a kernel", false);
  auto& m = s.memory;
  f("memory.sector", m.sector, D::bytes, "smallest transfer", true);
  f("memory.line", m.line, D::bytes, "cache line", true);
  f("memory.fill_granule", m.fill_granule, D::bytes, "bytes a DRAM fill moves", true);
  f("memory.l1.capacity", m.l1_bytes, D::bytes, "first-level cache per unit", true);
  f("memory.l1.bandwidth", m.l1_bytes_per_cycle, D::per_cycle, "bytes per cycle per unit", true);
  f("memory.l1.latency", m.l1_latency, D::cycles, "load to use", true);
  f("memory.l1.ways", m.l1_ways, D::none, "lines that addresses of one set share; absent: any line fits anywhere",
    false);
  f("memory.mid.ways", m.mid_ways, D::none, "lines that addresses of one set share; absent: any line fits anywhere",
    false);
  f("memory.mid.capacity", m.mid_bytes, D::bytes, "private cache between L1 and the shared one, per unit", false);
  f("memory.mid.bandwidth", m.mid_bytes_per_cycle, D::per_cycle, "bytes per cycle per unit", false);
  f("memory.mid.latency", m.mid_latency, D::cycles, "load to use", false);
  f("memory.l2.capacity", m.l2_bytes, D::bytes, "the cache that all units share (a processor's L3)", true);
  f("memory.l2.bandwidth", m.l2_bandwidth, D::bandwidth, "reads that hit, whole device", true);
  f("memory.l2.port", m.l2_port, D::per_cycle, "bytes per cycle that one unit can take from L2", false);
  f("memory.l2.near_latency", m.l2_near_latency, D::time, "hit in the near partition", true);
  f("memory.l2.far_latency", m.l2_far_latency, D::time, "hit in the far partition", true);
  f("memory.l2.partitions", m.l2_partitions, D::none, "partitions with uneven distance", true);
  f("memory.l2.chiplets", m.l2_chiplets, D::none, "chiplets with a second-level cache of their own; absent: one",
    false);
  f("memory.side.capacity", m.side_bytes, D::bytes, "memory-side cache behind the L2 of all chiplets", false);
  f("memory.side.bandwidth", m.side_bandwidth, D::bandwidth, "reads that hit, whole device", false);
  f("memory.side.latency", m.side_latency, D::time, "hit", false);
  f("memory.dram.capacity", m.dram_bytes, D::bytes, "main memory", true);
  f("memory.dram.peak", m.dram_peak, D::bandwidth, "data-sheet bandwidth", true);
  f("memory.dram.achieved", m.dram_achieved, D::bandwidth, "best streaming read", true);
  f("memory.dram.latency", m.dram_latency, D::time, "idle load to use", true);
  f("memory.dram.channels", m.dram_channels, D::none, "independent channels", true);
  f("memory.bytes_in_flight", m.bytes_in_flight_per_unit, D::bytes, "most outstanding read bytes of one unit", true);
  f("memory.dram.unit_bandwidth", m.dram_unit, D::bandwidth, "best streaming read of one unit alone", false);
  f("memory.dram.next_line", m.dram_next_line, D::time, "each further line of a run at a random place, one unit",
    false);
  f("memory.dram.written", m.dram_written, D::bandwidth, "best streaming write", false);
  f("memory.l1.tag_rate", m.l1_tag_rate, D::per_cycle, "lines looked up per cycle per unit", false);
  f("memory.dram.latency_p95", m.dram_latency_p95, D::time, "95th percentile of the idle latency", false);
  f("memory.dram.random_rate", m.dram_random_rate, D::rate, "sector fills per second at random addresses", false);
  f("memory.dram.row", m.dram_row_bytes, D::bytes, "row buffer of one channel", false);
  f("memory.scalar_load_share", m.scalar_load_share, D::share, "share of streaming bandwidth with 2-byte loads", false);
  auto& n = m.numa;
  f("memory.numa.domains", n.domains, D::none, "NUMA domains of the device; absent: one", false);
  f("memory.numa.sockets", n.sockets, D::none, "sockets that the domains are spread over; absent: one", false);
  f("memory.numa.remote_latency", n.remote_latency, D::time, "idle load to use, another domain of the socket", false);
  f("memory.numa.link", n.link, D::bandwidth, "one domain to the others of its socket, per direction", false);
  f("memory.numa.socket_latency", n.socket_latency, D::time, "idle load to use, another socket", false);
  f("memory.numa.socket_link", n.socket_link, D::bandwidth, "one socket to the others, per direction", false);
  auto& x = s.fabric;
  f("fabric.link.bandwidth", x.link_bandwidth, D::bandwidth, "per device per direction", false);
  f("fabric.link.efficiency", x.link_efficiency, D::share, "payload share of the raw rate", false);
  f("fabric.link.latency", x.link_latency, D::time, "device to device", false);
  f("fabric.link.packet", x.packet, D::bytes, "transfer granule", false);
  f("fabric.network.bandwidth", x.network_bandwidth, D::bandwidth, "between nodes, per device per direction", false);
  f("fabric.network.efficiency", x.network_efficiency, D::share, "payload share of the raw rate", false);
  f("fabric.network.latency", x.network_latency, D::time, "device to its counterpart in another node", false);
  auto& p = s.power;
  f("power.cap", p.cap, D::power, "board power limit", true);
  f("power.idle", p.idle, D::power, "board power with clocks up and no work", true);
  f("power.per_dram_byte", p.per_dram_byte, D::energy_rate, "energy per byte from DRAM to the units", true);
  f("power.per_l2_byte", p.per_l2_byte, D::energy_rate, "energy per byte from L2 to the units", false);
  f("power.zeros_gain", p.zeros_gain, D::none, "clock with all-zero operands over clock with random ones", false);
}

std::vector<Field> fixed_fields(Substrate& substrate) {
  std::vector<Field> fields;
  visit_each_fixed(substrate, [&](const char* path, Quantity& quantity, config::Dimension dimension, const char* doc,
                                  bool required) {
    fields.push_back({path, &quantity, dimension, doc, required});
  });
  return fields;
}

double shared_l2_bytes(const Memory& memory) {
  return memory.l2_bytes / std::max(1.0, memory.l2_chiplets.value) / std::max(1.0, memory.l2_partitions.value);
}

double kept_on_device_bytes(const Memory& memory) { return std::max<double>(memory.l2_bytes, memory.side_bytes); }

std::vector<Field> named_machine_fields(Substrate& s) {
  using D = config::Dimension;
  std::vector<Field> fields;
  const auto f = [&](std::string path, Quantity& quantity, D dimension, const char* doc, bool required) {
    fields.push_back({std::move(path), &quantity, dimension, doc, required});
  };
  auto& c = s.compute;
  auto& x = s.fabric;
  auto& p = s.power;
  for (auto& [dtype, rate] : c.pipes.tensor) {
    f("compute.pipes.tensor." + dtype + ".dense", rate.dense, D::per_cycle, "FLOP per cycle per unit", true);
    f("compute.pipes.tensor." + dtype + ".sparse", rate.sparse, D::none, "2:4 instruction rate over dense", true);
    f("compute.pipes.tensor." + dtype + ".fp32_accumulate", rate.fp32_accumulate, D::share,
      "rate with FP32 accumulation over the dense rate", false);
    f("compute.pipes.tensor." + dtype + ".step_m", rate.step_m, D::none, "rows of the smallest matrix step", false);
    f("compute.pipes.tensor." + dtype + ".step_n", rate.step_n, D::none, "columns of the smallest matrix step", false);
    f("compute.pipes.tensor." + dtype + ".step_k", rate.step_k, D::none, "reduction depth of the smallest matrix step",
      false);
    for (auto& [pattern, quantity] : rate.n_of_m)
      f("compute.pipes.tensor." + dtype + ".n_of_m." + pattern, quantity, D::none,
        "rate of a further N:M pattern over dense", false);
  }
  for (auto& [dtype, joules] : p.per_flop)
    f("power.per_flop." + dtype, joules, D::energy_rate, "energy per FLOP", true);
  for (auto& [key, value] : x.collectives) f("fabric.collectives." + key, value, value.dimension, "", true);
  for (std::size_t i = 0; i < x.links.size(); ++i)
    f("fabric.links[" + std::to_string(i) + "].bandwidth", x.links[i].bandwidth, D::bandwidth,
      "per cable per direction", false);
  return fields;
}

std::vector<Field> named_fields(Substrate& s) {
  std::vector<Field> fields = named_machine_fields(s);
  for (auto& kernel : s.kernels)
    for (auto& [key, value] : kernel.constants)
      fields.push_back({"kernels." + kernel.name + "." + key, &value, value.dimension, "", true});
  return fields;
}

}  // namespace sparsesim
