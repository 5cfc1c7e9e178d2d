#include "models/serving/served_workload.h"

#include <fmt/format.h>

#include "sim/config/edit.h"

namespace sparsesim {
namespace {

/// Steps take the place of a decoder's own pass, which need not suit the replicas.
constexpr const char* kAnyPass = "{phase: decode}";

bool is_decoder(const config::Node& tree) {
  const auto model = tree.find("model");
  const auto kind = model ? model->find("kind") : std::nullopt;
  return model && (!kind || kind->scalar() != "encoder");
}

config::Node with_any_pass(const config::Node& tree) {
  if (!is_decoder(tree)) return tree;
  config::Diagnostics diagnostics;
  return config::with_changes(tree, {{{"pass"}, config::load_text(kAnyPass, "pass", diagnostics)}});
}

Scheduling scheduling_of(const Workload& workload) {
  if (!workload.model) return Scheduling::batch;
  const bool decoder = workload.model->model.shape.kind == ModelKind::decoder;
  return decoder ? Scheduling::continuous : Scheduling::encoder_batch;
}

/// The section with every default. Lengths are laws as they were written; users are of a closed loop alone.
std::string section_text(const config::MapReader& map, const ServingSpec& spec, Scheduling scheduling) {
  std::string text = "serving:\n";
  for (const config::Declared& key : map.declared())
    if (!key.value().empty() && key.value() != "\"\"" &&
        (spec.arrivals == Arrivals::closed || key.key != "concurrency"))
      text += fmt::format("  {}: {}\n", key.key, key.value());
  if (scheduling != Scheduling::continuous) return text;
  text += fmt::format("  input: {}\n  output: {}\n", spec.input.text, spec.output.text);
  if (spec.prefix) text += fmt::format("  prefix: {}\n", spec.prefix->text);
  return text;
}

ServingSpec read_section(const Workload& workload, Scheduling scheduling, std::string& resolved) {
  config::Diagnostics diagnostics;
  config::MapReader map(workload.serving ? *workload.serving : config::load_text("{}", workload.name, diagnostics),
                        diagnostics);
  ServingSpec spec = read_serving(map, scheduling);
  diagnostics.throw_if_any();
  resolved = section_text(map, spec, scheduling);
  return spec;
}

/// Users of a closed loop arrive by the rates that were given.
void open_arrivals(ServingSpec& spec) {
  if (spec.arrivals != Arrivals::closed) return;
  spec.arrivals = spec.trace.empty() ? Arrivals::poisson : Arrivals::trace;
  spec.concurrency = 0;
}

}  // namespace

ServedWorkload read_served(const config::Node& tree, bool open_loop) {
  const config::Node changed = with_any_pass(tree);
  Workload workload = read_workload(changed);
  const Scheduling scheduling = scheduling_of(workload);
  if (!workload.serving && scheduling == Scheduling::batch)
    throw config::ConfigError(config::Mistake{tree.position(),
                                              "no section `serving`: it says where the number of requests in a batch "
                                              "goes (docs/serving.md)",
                                              {},
                                              {}});
  std::string resolved;
  ServingSpec spec = read_section(workload, scheduling, resolved);
  resolved = workload.resolved + resolved;
  if (open_loop) open_arrivals(spec);
  const config::Position place = changed.key_position(workload.model ? "model" : "serving");
  return {changed, std::move(workload), scheduling, std::move(spec), place, std::move(resolved)};
}

std::string resolved_serving(const Workload& workload) {
  std::string resolved;
  if (workload.serving) read_section(workload, scheduling_of(workload), resolved);
  return resolved;
}

}  // namespace sparsesim
