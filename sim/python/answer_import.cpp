#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "models/evaluate/workload.h"
#include "models/whole/import/pruning_recipe.h"
#include "models/whole/import/tensor_masks.h"
#include "models/whole/import/workload_text.h"
#include "sim/python/answers.h"

namespace sparsesim::python {
namespace {

constexpr std::int64_t kConfigMost = 4 << 20;  // bytes

}  // namespace

Answer answer_import(const ImportRequest& request) {
  config::Diagnostics diagnostics;
  Checkpoint checkpoint =
      read_checkpoint_config(config::read_text_file(request.config, kConfigMost, diagnostics), request.config);
  if (!request.weights.empty()) read_weight_patterns(request.weights, ".", checkpoint);
  if (!request.recipe.empty()) read_recipe_file(request.recipe, checkpoint);
  if (!request.name.empty()) checkpoint.name = request.name;
  if (!request.dtype.empty()) checkpoint.shape.dtype = request.dtype;
  ImportedPass pass;
  pass.phase = request.phase;
  pass.batch = request.batch;
  pass.seq = request.seq;
  pass.keys = request.keys;
  pass.parallel = {request.tensor, request.expert, request.pipeline, request.data};
  const std::string text = workload_text(checkpoint, pass);
  const config::Node tree = config::load_text(text, "workload", diagnostics);
  diagnostics.throw_if_any();
  read_workload(tree);  // what cannot be run is refused here
  return {text, {}, fmt::format("{}", fmt::join(checkpoint.notes, "\n"))};
}

}  // namespace sparsesim::python
