#pragma once
// The machine: what substrates/*.yaml says, in SI base units. visit() below is the one table of its numbers:
// reading, --dump-config, `sparsesim show`, the JSON Schema, sweeps and prediction intervals all walk it.

#include <map>
#include <string>
#include <vector>

#include "models/substrate/quantity.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// Rates of the matrix unit for one operand type.
struct TensorRate {
  Quantity dense;            // FLOP per cycle per unit, dense (an FMA counts 2)
  Quantity sparse;           // realised rate of the 2:4 instruction over the dense one (1..2); 1 where there is none
  Quantity fp32_accumulate;  // rate with FP32 accumulation over the dense one; absent: 1
  Quantity step_m;           // rows, columns and reduction depth of the smallest step of the matrix unit: its granule
  Quantity step_n;
  Quantity step_k;
};

/// One implementation in the kernel library of a machine. Kernels of one op are alternatives to choose among.
struct Kernel {
  std::string name;                 // unique in the library
  std::string op;                   // gemm, grouped_gemm, attention, ...
  std::string quality = "library";  // naive, library, tuned
  std::vector<std::string> dtypes;
  std::vector<std::string> patterns;  // dense, 2:4, window, ...
  int tile_m = 0, tile_n = 0, tile_k = 0;
  int stages = 2;
  int tasks_per_unit = 1;
  bool persistent = false;
  std::map<std::string, Quantity>
      constants;  // named in docs/models/*.md; unknown names are refused by the op that reads them
};

struct Pipes {
  std::map<std::string, TensorRate> tensor;  // by dtype
  Quantity tensor_sustained;  // share of the peak that back-to-back matrix instructions reach, operands in place
  Quantity vector;            // FP32 FLOP/cycle/unit outside the matrix unit
  Quantity special;           // exponentials per cycle per unit
  Quantity
      operand_bandwidth;  // B/cycle/unit from scratchpad into the matrix unit; absent: operands come from registers
  Quantity instruction_floor;  // cycles, shortest matrix instruction whatever its width; absent: none
};

struct Compute {
  Count units;           // SMs
  Quantity clock;        // Hz, sustained under plain load
  Quantity clock_floor;  // Hz, lowest under a power cap
  Count tasks_per_unit;  // resident CTAs at most
  Count threads_per_unit;
  Quantity registers_bytes;        // per unit
  Quantity scratchpad_bytes;       // per unit, usable by tasks
  Quantity scratchpad_banks;       // count
  Quantity scratchpad_bank_bytes;  // B per bank per cycle
  Pipes pipes;
};

struct Dispatch {
  Quantity rate;        // tasks per second, whole device
  Quantity hand_over;   // s between a task's end and its successor's start on the same slot
  Quantity launch;      // s, back-to-back kernels in a stream
  Quantity graph_node;  // s, successive kernels in a graph
  Quantity grid_start;  // s from the start of a kernel to its first instruction plus end of grid to completion, inside
                        // graph timing
  Quantity grid_sync;   // s
};

struct Memory {
  Quantity sector;              // B, smallest transfer
  Quantity line;                // B
  Quantity fill_granule;        // B that a DRAM fill moves
  Quantity l1_bytes;            // per unit
  Quantity l1_bytes_per_cycle;  // per unit
  Quantity l1_latency;          // cycles
  Quantity l2_bytes;
  Quantity l2_bandwidth;     // B/s, reads that hit, whole device
  Quantity l2_port;          // B per cycle that one unit can take from L2; optional, absent: nothing limits it
  Quantity l2_near_latency;  // s
  Quantity l2_far_latency;   // s
  Quantity l2_partitions;
  Quantity dram_bytes;
  Quantity dram_peak;      // B/s, data sheet
  Quantity dram_achieved;  // B/s, best streaming read
  Quantity dram_latency;   // s, idle
  Quantity dram_channels;
  Quantity bytes_in_flight_per_unit;  // B, most outstanding reads of one unit
  // Optional facts; given() tells.
  Quantity l1_tag_rate;        // lines looked up per cycle per unit
  Quantity dram_latency_p95;   // s, idle
  Quantity dram_random_rate;   // 1/s, fills of one sector at random addresses, whole device
  Quantity dram_row_bytes;     // B, row buffer of one channel
  Quantity scalar_load_share;  // share of dram_achieved reached with 2-byte loads per thread
};

/// One cable of an explicit fabric graph; ends are "device0".. and "switch0"...
struct FabricLink {
  std::string from, to;
  int count = 1;       // parallel cables
  Quantity bandwidth;  // B/s per cable per direction; absent: Fabric::link_bandwidth
};

/// Direct or switched links among the devices of one node, and the collective library's behaviour on them.
struct Fabric {
  std::string name;
  std::string topology = "none";  // none, switch, mesh, pcie
  int devices = 1;                // devices in the node
  int switches = 0;
  Quantity link_bandwidth;                      // B/s per device per direction, raw
  Quantity link_efficiency;                     // share of it that payload reaches (headers, flits)
  Quantity link_latency;                        // s, one device to another
  Quantity packet;                              // B, transfer granule
  std::map<std::string, Quantity> collectives;  // library constants, named in docs/models/collectives.md
  std::vector<FabricLink> links;                // explicit graph; empty: implied by topology
};

struct Power {
  Quantity cap;            // W
  Quantity idle;           // W
  Quantity per_dram_byte;  // J/B
  Quantity per_l2_byte;    // J/B
  Quantity zeros_gain;     // clock with all-zero operands over clock with random ones under matrix load; absent: 1
  std::map<std::string, Quantity> per_flop;  // J/FLOP by dtype
};

struct Substrate {
  std::string name;
  std::string title;
  std::vector<std::string> aliases;
  std::string architecture;  // names the kernel library: substrates/kernels/<architecture>/
  int devices = 1;           // devices of a node file; 1 for a device file
  Compute compute;
  Dispatch dispatch;
  Memory memory;
  Fabric fabric;
  Power power;
  std::vector<Kernel> kernels;
  std::map<std::string, std::string> sources;  // key -> citation
};

/// Calls f(path, quantity, dimension, doc, required) for every number that each substrate has under a fixed path, in
/// file order. Absent optional ones are visited too (given() is false). S is Substrate or const Substrate.
template <class S, class F>
void visit_fixed(S& s, F&& f) {
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
  f("memory.l2.capacity", m.l2_bytes, D::bytes, "second-level cache, whole device", true);
  f("memory.l2.bandwidth", m.l2_bandwidth, D::bandwidth, "reads that hit, whole device", true);
  f("memory.l2.port", m.l2_port, D::per_cycle, "bytes per cycle that one unit can take from L2", false);
  f("memory.l2.near_latency", m.l2_near_latency, D::time, "hit in the near partition", true);
  f("memory.l2.far_latency", m.l2_far_latency, D::time, "hit in the far partition", true);
  f("memory.l2.partitions", m.l2_partitions, D::none, "partitions with uneven distance", true);
  f("memory.dram.capacity", m.dram_bytes, D::bytes, "main memory", true);
  f("memory.dram.peak", m.dram_peak, D::bandwidth, "data-sheet bandwidth", true);
  f("memory.dram.achieved", m.dram_achieved, D::bandwidth, "best streaming read", true);
  f("memory.dram.latency", m.dram_latency, D::time, "idle load to use", true);
  f("memory.dram.channels", m.dram_channels, D::none, "independent channels", true);
  f("memory.bytes_in_flight", m.bytes_in_flight_per_unit, D::bytes, "most outstanding read bytes of one unit", true);
  f("memory.l1.tag_rate", m.l1_tag_rate, D::per_cycle, "lines looked up per cycle per unit", false);
  f("memory.dram.latency_p95", m.dram_latency_p95, D::time, "95th percentile of the idle latency", false);
  f("memory.dram.random_rate", m.dram_random_rate, D::rate, "sector fills per second at random addresses", false);
  f("memory.dram.row", m.dram_row_bytes, D::bytes, "row buffer of one channel", false);
  f("memory.scalar_load_share", m.scalar_load_share, D::share, "share of streaming bandwidth with 2-byte loads", false);
  auto& x = s.fabric;
  f("fabric.link.bandwidth", x.link_bandwidth, D::bandwidth, "per device per direction", false);
  f("fabric.link.efficiency", x.link_efficiency, D::share, "payload share of the raw rate", false);
  f("fabric.link.latency", x.link_latency, D::time, "device to device", false);
  f("fabric.link.packet", x.packet, D::bytes, "transfer granule", false);
  auto& p = s.power;
  f("power.cap", p.cap, D::power, "board power limit", true);
  f("power.idle", p.idle, D::power, "board power with clocks up and no work", true);
  f("power.per_dram_byte", p.per_dram_byte, D::energy_rate, "energy per byte from DRAM to the units", true);
  f("power.per_l2_byte", p.per_l2_byte, D::energy_rate, "energy per byte from L2 to the units", false);
  f("power.zeros_gain", p.zeros_gain, D::none, "clock with all-zero operands over clock with random ones", false);
}

/// Calls f the same way for the numbers whose names the files choose: tensor rates and energies by dtype, constants of
/// collectives and kernels.
template <class S, class F>
void visit_named(S& s, F&& f) {
  using D = config::Dimension;
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
  }
  for (auto& [dtype, joules] : p.per_flop)
    f("power.per_flop." + dtype, joules, D::energy_rate, "energy per FLOP", true);
  for (auto& [key, value] : x.collectives) f("fabric.collectives." + key, value, value.dimension, "", true);
  for (std::size_t i = 0; i < x.links.size(); ++i)
    f("fabric.links[" + std::to_string(i) + "].bandwidth", x.links[i].bandwidth, D::bandwidth,
      "per cable per direction", false);
  for (auto& kernel : s.kernels)
    for (auto& [key, value] : kernel.constants)
      f("kernels." + kernel.name + "." + key, value, value.dimension, "", true);
}

/// All numbers: visit_fixed, then visit_named.
template <class S, class F>
void visit(S& s, F&& f) {
  visit_fixed(s, f);
  visit_named(s, f);
}

/// Where substrate files are looked up when a name is no path; the first that has NAME.yaml or a file with that alias
/// wins.
struct SearchPath {
  std::vector<std::string> folders;
};

/// Reads a substrate by path or by name (with or without .yaml, aliases allowed).
/// Errors: config::ConfigError with every mistake of the file, of its `base` and of its kernel library.
Substrate load_substrate(const std::string& path_or_name, const SearchPath& search);
/// The whole resolved substrate as YAML, every default in place; load_substrate reads it back to the same values.
std::string dump_substrate(const Substrate& substrate);
/// Names of the shipped substrates, with title and aliases.
struct SubstrateEntry {
  std::string name, title, path;
  std::vector<std::string> aliases;
};
std::vector<SubstrateEntry> list_substrates(const SearchPath& search);

}  // namespace sparsesim
