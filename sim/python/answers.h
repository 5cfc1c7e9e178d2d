#pragma once
// What the module can be asked: the subcommands of the program, without Python and without a terminal.

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/evaluate/inspect/inspection.h"
#include "models/sparsity/mask.h"
#include "models/substrate/settings.h"
#include "models/substrate/substrate.h"

namespace sparsesim::python {

/// The JSON that the program prints with --format json, and what it prints without. `extra` holds files that were asked
/// for: a timeline, a picture.
struct Answer {
  std::string json, text, extra;
};

/// Where shipped files are.
struct Shipped {
  SearchPath substrates, workloads;
};

using Stop = std::atomic<bool>;

struct RunRequest {
  std::string substrate, workload;
  std::optional<std::uint64_t> seed;  // the workload's
  std::int64_t seeds = 0;             // 0: no distribution
  std::vector<Setting> set;
  bool interval = true;
  bool timeline = false;
};
/// Errors: those of the program's `run`; RunStopped.
Answer answer_run(const Shipped& shipped, const RunRequest& request, const Stop& stop);

struct SweepRequest {
  std::string spec;  // file of the specification
  std::string file;  // of the results
  bool waterfall = false;
  int threads = 0;
};
/// json: counts and what `export --format jsonl` gives for this sweep: {simulated, known, failed, left_out, points,
/// ops}, the last two lists of objects. Errors: those of `sweep`; RunStopped.
Answer answer_sweep(const Shipped& shipped, const SweepRequest& request, const Stop& stop);

struct RecommendRequest {
  std::string substrate, workload, op, quality;
  double max_sparsity = 0.95, target = 2;
  std::optional<std::uint64_t> seed;
  int threads = 0;
};
Answer answer_recommend(const Shipped& shipped, const RecommendRequest& request, const Stop& stop);

struct BreakevenQuestion {
  std::string substrate, workload, over, also;
  std::vector<std::string> set;
  double target = 1;
  std::int64_t points = 17;
  bool interval = true;
  int threads = 0;
};
Answer answer_breakeven(const Shipped& shipped, const BreakevenQuestion& question, const Stop& stop);

struct ValidateRequest {
  std::vector<std::string> measurements, only;
  std::string substrates, masks, baseline;  // empty: none
  std::uint64_t seed = 1;
  int threads = 0;
};
Answer answer_validate(const Shipped& shipped, const ValidateRequest& request, const Stop& stop);

struct InspectRequest {
  std::string file, label, tensor, substrate, dtype;  // label: what the file is called in the answer
  std::int64_t block_rows = 1, block_columns = 1;
  bool svg = false;
};
Answer answer_inspect(const Shipped& shipped, const InspectRequest& request);

struct ServeRequest {
  std::string substrate, workload;
  std::vector<double> rates;    // empty: the section's own
  std::vector<Setting> set;     // of the machine
  std::vector<Setting> change;  // of the workload
  std::optional<std::uint64_t> seed;
  std::string quality_dense, quality_sparse;
  bool interval = true;
  int threads = 0;
};
/// extra: a line per request, as CSV. Errors: those of `serve`; RunStopped.
Answer answer_serve(const Shipped& shipped, const ServeRequest& request, const Stop& stop);

struct ImportRequest {
  std::string config, weights, recipe, name, dtype, phase = "prefill";  // config: a file; empty: not given
  std::int64_t batch = 1;
  std::optional<std::int64_t> seq, keys;
  std::int64_t tensor = 1, expert = 1, pipeline = 1, data = 1;
};
/// json: the workload, as YAML; extra: what was assumed or left out, a line each. Errors: those of `import`.
Answer answer_import(const ImportRequest& request);

/// The machine with every default, as YAML; text: what `show` prints.
Answer answer_show(const Shipped& shipped, const std::string& substrate);

}  // namespace sparsesim::python
