#include "models/serving/served_workload.h"

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

ServingSpec read_section(const Workload& workload, Scheduling scheduling, bool open_loop) {
  config::Diagnostics diagnostics;
  config::MapReader map(workload.serving ? *workload.serving : config::load_text("{}", workload.name, diagnostics),
                        diagnostics);
  ServingSpec spec = read_serving(map, scheduling);
  diagnostics.throw_if_any();
  if (open_loop && spec.arrivals == Arrivals::closed) {
    spec.arrivals = spec.trace.empty() ? Arrivals::poisson : Arrivals::trace;
    spec.concurrency = 0;
  }
  return spec;
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
  ServingSpec spec = read_section(workload, scheduling, open_loop);
  const config::Position place = changed.key_position(workload.model ? "model" : "serving");
  return {changed, std::move(workload), scheduling, std::move(spec), place};
}

}  // namespace sparsesim
