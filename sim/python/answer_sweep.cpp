#include <fmt/format.h>

#include "models/compute/launch_memo.h"
#include "models/explore/sweep_run.h"
#include "sim/python/answers.h"
#include "sim/sweep/export.h"

namespace sparsesim::python {
namespace {

/// A list of the objects that `export` writes one per line.
std::string exported_list(sweep::Store& store, sweep::ExportTable table, const std::string& hash) {
  std::string list;
  const auto add = [&](const std::string& line) { list += (list.empty() ? "" : ",") + line; };
  sweep::export_rows(store, table, sweep::ExportFormat::jsonl, add, hash);
  return "[" + list + "]";
}

}  // namespace

Answer answer_sweep(const Shipped& shipped, const SweepRequest& request, const Stop& stop) {
  sweep::Request spec;
  spec.file = request.spec;
  config::Diagnostics diagnostics;
  const sweep::Design design = sweep::Design::read(spec, diagnostics);
  Study study(design.parameters(), {shipped.substrates, shipped.workloads, request.waterfall, &stop});
  check_values(design, study, diagnostics);
  diagnostics.throw_if_any();
  sweep::Store store(request.file, sweep::Store::Mode::write);
  SweepOptions options;
  options.threads = request.threads;
  options.stop = &stop;
  const SweepOutcome outcome = run_sweep(design, study, store, options);
  if (!outcome.finished) throw RunStopped();
  const std::string hash = sweep_hash(design);
  return {fmt::format(R"({{"simulated": {}, "known": {}, "failed": {}, "left_out": {}, "points": {}, "ops": {}}})",
                      outcome.simulated, outcome.known, outcome.failed, outcome.left_out,
                      exported_list(store, sweep::ExportTable::points, hash),
                      exported_list(store, sweep::ExportTable::ops, hash)),
          {},
          {}};
}

}  // namespace sparsesim::python
