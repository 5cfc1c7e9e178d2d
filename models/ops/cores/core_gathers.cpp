#include "models/ops/cores/core_gathers.h"

#include <algorithm>
#include <cmath>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/op.h"

namespace sparsesim {
namespace {

const Kernel& bags_kernel(const BagSize& size, const Substrate& substrate) {
  return *core_kernels(substrate, "cores_bags", "gather", size.dtype, "").front();
}

Launch on_all(const char* name, const BagSize& size, const CoreWork& work, const Core& core) {
  const auto cores = static_cast<std::size_t>(core.cores());
  return core_launch(name, bags_kernel(size, core.substrate), size.dtype,
                     std::vector<CoreWork>(cores, (1 / core.cores()) * work), false, core.substrate);
}

}  // namespace

Launch lower_cores_bags(const BagSize& size, const Substrate& substrate, const Ideal& ideal) {
  const Core core = core_of(substrate);
  const Kernel& kernel = bags_kernel(size, substrate);
  const auto row_bytes = static_cast<std::int64_t>(static_cast<double>(size.dim) * element_bytes(size.dtype));
  const double useful = static_cast<double>(row_bytes);
  const double lines = ideal.overfetch ? useful : touched_bytes(row_bytes, static_cast<std::int64_t>(core.line));
  const double tables = static_cast<double>(size.tables), lookups = tables * size.lookups();
  const auto missed = [&](double capacity) { return tables * size.misses(std::max(1.0, capacity / lines)); };
  const double l1 = missed(substrate.memory.l1_bytes);
  const double mid = substrate.memory.mid_bytes > 0 ? std::min(l1, missed(substrate.memory.mid_bytes)) : l1;
  const double shared = std::min(mid, missed(substrate.memory.l2_bytes));
  Residence where;
  where.l1 = 1 - l1 / lookups;
  where.mid = (l1 - mid) / lookups;
  where.shared = (mid - shared) / lookups;
  where.dram = shared / lookups;
  const double vectors = lookups * std::ceil(static_cast<double>(size.dim) / core.lanes(size.dtype));
  CoreWork work;
  work.load_cycles = load_cycles(core, where, lookups * lines);
  work.issue_cycles = (vectors * (size.weighted ? 2 : 1) + lookups * constant_or(kernel, "row_issue", 6)) / core.issue;
  work.multiply_cycles = vectors / core.multiplies(size.dtype);
  work.chain_cycles = lookups * core.multiply_latency;
  work.serial_cycles = waiting_cycles(core, shared, lines / core.line);
  work.cold_bytes = shared * useful;
  work.common_bytes = shared * lines;
  work.waste_bytes = shared * (lines - useful);
  work.waited_bytes = shared * lines;
  work.shared_bytes = (mid - shared) * lines;
  if (!ideal.metadata) work.cold_bytes += lookups * static_cast<double>(size.index_bytes + (size.weighted ? 4 : 0));
  work.result_bytes = tables * static_cast<double>(size.bags) * useful;
  work.useful_macs = lookups * static_cast<double>(size.dim);
  work.issued_macs = vectors * core.lanes(size.dtype);
  return on_all("embedding_bag", size, work, core);
}

Launch lower_cores_scan(const BagSize& size, const Substrate& substrate, const Ideal& ideal) {
  const Core core = core_of(substrate);
  const double dim = static_cast<double>(size.dim), bytes = element_bytes(size.dtype);
  const double rows = static_cast<double>(size.tables) * static_cast<double>(size.rows);
  const double lookups = static_cast<double>(size.tables) * size.lookups();
  const double per_row = std::ceil(dim / core.lanes(size.dtype));
  const double sums = static_cast<double>(size.tables * size.bags) * dim * bytes;
  const Residence where = residence(core, {1, sums, 0}, 0, core.cores());
  CoreWork work;
  work.load_cycles =
      rows * per_row * core.vector_bytes / core.loads_bytes + load_cycles(core, where, 2 * lookups * dim * bytes);
  // Rows that nobody names are summed too, in one chain, so that the table is read.
  work.chain_cycles = rows * per_row * core.add_latency;
  work.issue_cycles = (rows * (per_row + 3) + lookups * (3 * per_row + 6)) / core.issue;
  work.serial_cycles =
      static_cast<double>(size.tables) * size.scan_mispredictions() * substrate.compute.pipes.branch_miss;
  work.shared_bytes = 2 * lookups * dim * bytes * (where.shared + where.dram);
  work.cold_bytes = rows * dim * bytes;
  if (!ideal.metadata) work.cold_bytes += lookups * 16;
  work.result_bytes = sums;
  work.useful_macs = lookups * dim;
  work.issued_macs = work.useful_macs;
  return on_all("table_scan", size, work, core);
}

}  // namespace sparsesim
