#include "sim/python/answers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

#include "models/evaluate/distribution.h"
#include "models/evaluate/inspect/mask_picture.h"
#include "models/evaluate/run.h"
#include "models/explore/breakeven.h"
#include "models/explore/recommend.h"
#include "models/serving/served_workload.h"
#include "models/sparsity/formats/mask_formats.h"
#include "models/substrate/fingerprint.h"
#include "validate/compare/compare.h"

namespace sparsesim::python {
namespace {

[[noreturn]] void refuse(const std::string& argument, const std::string& message) {
  throw config::ConfigError(config::Mistake{{argument, 0, 0}, message, {}, {}});
}

void require_one_of_positive(std::int64_t value, std::int64_t most, const char* argument) {
  if (value < 1 || value > most) refuse(argument, fmt::format("a number from 1 to {}, not {}", most, value));
}

/// The same workload with this seed and those after it.
std::optional<Distribution> distribution_of(const Workload& workload, const Substrate& substrate,
                                            const RunRequest& request, std::uint64_t first, const Stop& stop) {
  if (request.seeds == 0) return std::nullopt;
  require_one_of_positive(request.seeds, kSeedsMost, "seeds");
  if (first > static_cast<std::uint64_t>(INT64_MAX - request.seeds))
    refuse("seeds", fmt::format("the last seed would be above {}", INT64_MAX));
  DistributionOptions options;
  options.first_seed = first;
  options.seeds = request.seeds;
  options.stop = &stop;
  auto distribution = over_seeds(workload, substrate, options);
  if (!distribution) throw RunStopped();
  return distribution;
}

std::uint64_t seed_of(const std::optional<std::uint64_t>& seed, const Workload& workload) {
  return seed.value_or(workload.seed);
}

}  // namespace

Answer answer_run(const Shipped& shipped, const RunRequest& request, const Stop& stop) {
  const Substrate substrate = load_substrate_with(request.substrate, shipped.substrates, request.set, "given in set");
  const Workload workload = load_workload(request.workload, shipped.workloads);
  resolved_serving(workload);  // not used here, and yet its keys must be right
  Timeline timeline;
  RunOptions options;
  options.seed = seed_of(request.seed, workload);
  options.interval = request.interval;
  if (request.timeline) options.timeline = &timeline;
  LaunchMemo memo(&stop);
  RunResult result = run(workload, substrate, options, &memo);
  result.inputs_hash = hash_inputs(workload, substrate, options.seed);
  result.distribution = distribution_of(workload, substrate, request, options.seed, stop);
  std::ostringstream trace;
  if (request.timeline) timeline.write(trace);
  return {format_json(result), format_table(result), trace.str()};
}

Answer answer_recommend(const Shipped& shipped, const RecommendRequest& request, const Stop& stop) {
  if (!(request.max_sparsity >= 0.01 && request.max_sparsity <= 0.999))
    refuse("max_sparsity", "a number from 0.01 to 0.999");
  if (!(request.target >= 1 && request.target <= 1000)) refuse("target", "a number from 1 to 1000");
  const Substrate substrate = load_substrate(request.substrate, shipped.substrates);
  const Workload workload = load_workload(request.workload, shipped.workloads);
  const WorkloadOp& op = find_product(workload, substrate, request.op);
  RecommendOptions options;
  options.max_sparsity = request.max_sparsity;
  options.target = request.target;
  options.seed = seed_of(request.seed, workload);
  options.threads = request.threads;
  options.stop = &stop;
  auto recommendation = recommend(*product_of(*op.op), substrate, options);
  if (!recommendation) throw RunStopped();
  recommendation->workload = workload.name;
  recommendation->op = op.name;
  if (!request.quality.empty()) add_quality(*recommendation, request.quality);
  return {format_json(*recommendation), format_table(*recommendation), {}};
}

Answer answer_breakeven(const Shipped& shipped, const BreakevenQuestion& question, const Stop& stop) {
  require_one_of_positive(question.points - 1, 1000, "points - 1");
  if (!(question.target > 0)) refuse("target", "a number above 0");
  const BreakevenDesign design =
      BreakevenDesign::read({question.substrate, question.workload, question.over, question.also, question.set});
  Study study(design.parameters, {shipped.substrates, shipped.workloads, false, &stop});
  check_values(design, study);
  BreakevenOptions options;
  options.target = question.target;
  options.points = question.points;
  options.interval = question.interval;
  options.threads = question.threads;
  options.stop = &stop;
  const BreakevenResult result = find_breakeven(design, study, options);
  if (!result.finished) throw RunStopped();
  return {breakeven_json(design, options, result), breakeven_table(design, options, result, false), {}};
}

Answer answer_validate(const Shipped& shipped, const ValidateRequest& request, const Stop& stop) {
  auto files = read_measurements(request.measurements);
  for (auto& file : files)
    for (auto& row : file.rows) row.op.masks = request.masks;
  for (const std::string& word : keep_only(request.only, files))
    refuse("only", fmt::format("no row has the op or device \"{}\" (they have: {})", word,
                               fmt::join(ops_and_devices(files), ", ")));
  SearchPath search = shipped.substrates;
  if (!request.substrates.empty()) search.folders.insert(search.folders.begin(), request.substrates);
  SubstrateCache substrates(search);
  PredictOptions options;
  options.seed = request.seed;
  options.threads = request.threads;
  options.stop = &stop;
  Comparison comparison = compare(files, substrates, options);
  comparison.version = SPARSESIM_VERSION;
  if (!request.baseline.empty())
    comparison.changes = compare_with_baseline(comparison.rows, read_baseline(request.baseline));
  return {comparison_json(comparison), comparison_table(comparison), {}};
}

Answer answer_inspect(const Shipped& shipped, const InspectRequest& request) {
  require_one_of_positive(request.block_rows, 4096, "block");
  require_one_of_positive(request.block_columns, 4096, "block");
  std::optional<Substrate> substrate;
  if (!request.substrate.empty()) substrate = load_substrate(request.substrate, shipped.substrates);
  MaskName name = parse_mask_name(request.file);
  if (!request.tensor.empty()) name.tensor = request.tensor;
  const Mask mask = read_mask(name);
  InspectionOptions options;
  options.file = request.label;
  options.dtype = request.dtype;
  options.block = {request.block_rows, request.block_columns};
  options.substrate = substrate ? &*substrate : nullptr;
  const Inspection inspection = inspect(mask, options);
  return {format_json(inspection), format_table(inspection), request.svg ? picture_of(mask, inspection) : ""};
}

Answer answer_show(const Shipped& shipped, const std::string& name) {
  const Substrate substrate = load_substrate(name, shipped.substrates);
  return {dump_substrate(substrate), fingerprint_table(substrate), {}};
}

}  // namespace sparsesim::python
