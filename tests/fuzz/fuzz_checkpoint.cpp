// Any text is a config.json whose model can be written as a workload, or a ConfigError; so is any recipe beside it.

#include "models/whole/import/pruning_recipe.h"
#include "models/whole/import/workload_text.h"
#include "models/whole/model_read.h"
#include "tests/fuzz/memory_file.h"

using namespace sparsesim;

namespace {

/// What was written reads back, or is refused with a place.
void read_back(const Checkpoint& checkpoint) {
  config::Diagnostics diagnostics;
  config::MapReader top(config::load_text(workload_text(checkpoint, {}), "w.yaml", diagnostics), diagnostics);
  const ModelRun run = read_model_run(top);
  if (diagnostics.empty() && run.model.shape.layers <= 128) latency_ops(run.model, run.pass);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFile file;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    read_back(read_checkpoint_config(text, "config.json"));
  } catch (const config::ConfigError&) {
  }
  Checkpoint checkpoint;
  checkpoint.type = "llama";
  checkpoint.shape = {ModelKind::decoder, 4, 256, 512, 4, 4, 64, true, 1000, 1000, false, 0, "fp16", {}, {}};
  file.replace(data, size);
  try {
    read_recipe_file(file.path(), checkpoint);
    read_back(checkpoint);
  } catch (const config::ConfigError&) {
  }
  return 0;
}
