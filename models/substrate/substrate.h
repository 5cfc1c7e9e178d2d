#pragma once
// The machine: what substrates/*.yaml says, in SI base units. visit() below is the one table of its numbers:
// reading, --dump-config, `sparsesim show`, the JSON Schema, sweeps and prediction intervals all walk it.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "models/substrate/granules.h"
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
  std::map<std::string, Quantity> n_of_m;  // rate over the dense one of further patterns that it skips: "1:4"
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
  Quantity gather;             // elements per cycle per unit by vector gathers that hit the nearest cache; absent: none
  Quantity branch_miss;        // cycles that a mispredicted branch costs; absent: nothing mispredicts
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

/// Where pages lie among NUMA domains (docs/models/numa.md).
enum class NumaPlacement { first_touch, interleave, local };

/// Main memory that is not equally near to all units. Absent numbers: one domain.
struct Numa {
  Quantity domains;         // of the device, equal in units, bandwidth and memory
  Quantity sockets;         // that they are spread over; absent: one
  Quantity remote_latency;  // s, idle, from another domain of the socket
  Quantity link;            // B/s, one domain to the others of its socket, per direction; absent: nothing limits
  Quantity socket_latency;  // s, idle, from another socket
  Quantity socket_link;     // B/s, one socket to the others, per direction; absent: nothing limits
  NumaPlacement placement = NumaPlacement::first_touch;
};

struct Memory {
  Quantity sector;              // B, smallest transfer
  Quantity line;                // B
  Quantity fill_granule;        // B that a DRAM fill moves
  Quantity l1_bytes;            // per unit
  Quantity l1_bytes_per_cycle;  // per unit
  Quantity l1_latency;          // cycles
  // A private cache between the first and the shared one, as cores have; absent: none.
  Quantity mid_bytes;            // per unit
  Quantity mid_bytes_per_cycle;  // per unit
  Quantity mid_latency;          // cycles
  Quantity l2_bytes;             // the cache that all units share, whatever its number: a processor's L3
  Quantity l2_bandwidth;         // B/s, reads that hit, whole device
  Quantity l2_port;              // B per cycle that one unit can take from L2; optional, absent: nothing limits it
  Quantity l2_near_latency;      // s
  Quantity l2_far_latency;       // s
  Quantity l2_partitions;
  Quantity l2_chiplets;  // caches of that level, one per chiplet, that share its capacity and rate; absent: one
  // A memory-side cache between the last private one and DRAM, shared by all units; absent: none.
  Quantity side_bytes;
  Quantity side_bandwidth;  // B/s, whole device
  Quantity side_latency;    // s, hit
  Quantity dram_bytes;
  Quantity dram_peak;      // B/s, data sheet
  Quantity dram_achieved;  // B/s, best streaming read
  Quantity dram_latency;   // s, idle
  Quantity dram_channels;
  Quantity bytes_in_flight_per_unit;  // B, most outstanding reads of one unit
  // Optional facts; given() tells.
  Quantity dram_unit;          // B/s, best streaming read of one unit alone
  Quantity dram_written;       // B/s, best streaming write of the whole device
  Quantity dram_next_line;     // s, one unit: each further line of a run at a random place
  Quantity l1_tag_rate;        // lines looked up per cycle per unit
  Quantity dram_latency_p95;   // s, idle
  Quantity dram_random_rate;   // 1/s, fills of one sector at random addresses, whole device
  Quantity dram_row_bytes;     // B, row buffer of one channel
  Quantity l1_ways;            // lines of the first-level cache that addresses of one set share
  Quantity mid_ways;           // the same of the private middle cache
  Quantity scalar_load_share;  // share of dram_achieved reached with 2-byte loads per thread
  Numa numa;
};

/// Bytes that one unit finds in its second-level cache when all units read them: every chiplet and every partition
/// keeps a copy of its own, so l2.capacity / (chiplets * partitions).
double shared_l2_bytes(const Memory& memory);
/// Bytes that stay on the device between kernels, one copy of each: the larger of L2 and the memory-side cache.
double kept_on_device_bytes(const Memory& memory);

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
  int devices = 1;                // devices in all
  int nodes = 1;                  // they are spread over evenly; topology, switches and links are those of a node
  int switches = 0;
  Quantity link_bandwidth;                      // B/s per device per direction, raw
  Quantity link_efficiency;                     // share of it that payload reaches (headers, flits)
  Quantity link_latency;                        // s, one device to another
  Quantity packet;                              // B, transfer granule
  Quantity network_bandwidth;                   // B/s per device per direction into the network between nodes, raw
  Quantity network_efficiency;                  // share of it that payload reaches
  Quantity network_latency;                     // s, one device to its counterpart in another node
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
  std::string product;  // the device as libraries know it, which ship tuned kernels for some; never empty
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
  MeasuredHead fingerprint;                    // of a machine that was measured; models do not read it
};

/// One number of a substrate: where it stands in the file, what it measures and whether a file must give it.
struct Field {
  std::string path;  // "memory.dram.achieved"
  Quantity* quantity = nullptr;
  config::Dimension dimension = config::Dimension::none;
  const char* doc = "";
  bool required = false;
};
/// Calls visitor(path, quantity, dimension, doc, required) for the numbers that each substrate has under a fixed path,
/// in file order; absent optional ones too (given() is false).
using FixedVisitor = std::function<void(const char*, Quantity&, config::Dimension, const char*, bool)>;
void visit_each_fixed(Substrate& substrate, const FixedVisitor& visitor);
/// The same as a list.
std::vector<Field> fixed_fields(Substrate& substrate);
/// The numbers whose names the files choose: tensor rates and energies by dtype, constants of collectives and kernels.
std::vector<Field> named_fields(Substrate& substrate);
/// Those of them that the machine has without its kernel library.
std::vector<Field> named_machine_fields(Substrate& substrate);

/// Calls f(path, quantity, dimension, doc, required) for every field. S is Substrate or const Substrate; f sees the
/// numbers of a const one as const.
template <class S, class F>
void visit_fields(S&, const std::vector<Field>& fields, F&& f) {
  using Number = std::conditional_t<std::is_const_v<S>, const Quantity, Quantity>;
  for (const Field& field : fields)
    f(field.path, static_cast<Number&>(*field.quantity), field.dimension, field.doc, field.required);
}
/// The same for every fixed number.
template <class S, class F>
void visit_fixed(S& s, F&& f) {
  visit_fields(s, fixed_fields(const_cast<Substrate&>(s)), f);
}
/// The same for all numbers but those of kernels: the fixed ones first.
template <class S, class F>
void visit_machine(S& s, F&& f) {
  visit_fixed(s, f);
  visit_fields(s, named_machine_fields(const_cast<Substrate&>(s)), f);
}
/// The same for all numbers: the fixed ones first.
template <class S, class F>
void visit(S& s, F&& f) {
  visit_fixed(s, f);
  visit_fields(s, named_fields(const_cast<Substrate&>(s)), f);
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
/// The same text part by part, for those who need not hold it.
void dump_substrate(const Substrate& substrate, const std::function<void(std::string_view)>& write);
/// Names of the shipped substrates, with title and aliases.
struct SubstrateEntry {
  std::string name, title, path;
  std::vector<std::string> aliases;
  std::string broken;  // why the file cannot be read; empty for a sound one
};
std::vector<SubstrateEntry> list_substrates(const SearchPath& search);

}  // namespace sparsesim
