// sparsesim._core: what the package sparsesim is made of. Texts and JSON go through; the package makes objects of them.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "models/evaluate/evaluate.h"
#include "models/evaluate/workload.h"
#include "models/serving/serving_spec.h"
#include "models/substrate/schema.h"
#include "sim/python/answers.h"
#include "sim/python/arrays.h"
#include "sim/python/failures.h"
#include "sim/python/interruptible.h"

namespace sparsesim::python {
namespace {

namespace py = pybind11;

/// Knows where shipped files are.
class Core {
 public:
  Core(const std::string& data, py::object failure)
      : shipped_{{{data + "/substrates"}}, {{data + "/workloads"}}}, failure_(std::move(failure)) {}

  /// Any question, on a thread of its own.
  template <class Request, Answer (*answer)(const Shipped&, const Request&, const Stop&)>
  py::tuple ask(const Request& request) const {
    Answer said;
    with_failures(failure_,
                  [&] { run_interruptible([&](const Stop& stop) { said = answer(shipped_, request, stop); }); });
    return py::make_tuple(said.json, said.text, said.extra);
  }

  py::tuple inspect(const InspectRequest& request) const {
    Answer said;
    with_failures(failure_, [&] { run_interruptible([&](const Stop&) { said = answer_inspect(shipped_, request); }); });
    return py::make_tuple(said.json, said.text, said.extra);
  }

  py::tuple show(const std::string& substrate) const {
    py::object machine;
    std::string table;
    with_failures(failure_, [&] {
      const Answer said = answer_show(shipped_, substrate);
      config::Diagnostics diagnostics;
      machine = to_python(config::load_text(said.json, substrate, diagnostics));
      table = said.text;
    });
    return py::make_tuple(machine, table);
  }

  py::object workload(const std::string& name) const {
    py::object tree;
    with_failures(failure_, [&] { tree = to_python(load_workload_tree(name, shipped_.workloads)); });
    return tree;
  }

  py::tuple import_config(const ImportRequest& request) const {
    py::object tree;
    std::string notes;
    with_failures(failure_, [&] {
      const Answer said = answer_import(request);
      config::Diagnostics diagnostics;
      tree = to_python(config::load_text(said.json, "workload", diagnostics));
      notes = said.extra;
    });
    return py::make_tuple(tree, notes);
  }

  py::dict substrates() const {
    py::dict names;
    for (const SubstrateEntry& entry : list_substrates(shipped_.substrates))
      if (entry.broken.empty()) names[py::str(entry.name)] = entry.title;
    return names;
  }

  py::dict workloads() const {
    py::dict names;
    for (const WorkloadEntry& entry : list_workloads(shipped_.workloads))
      if (entry.broken.empty()) names[py::str(entry.name)] = entry.title;
    return names;
  }

  Held mask(const py::buffer& array, bool floating) const {
    Held held;
    with_failures(failure_, [&] { held = hold_mask(array, floating); });
    return held;
  }

 private:
  Shipped shipped_;
  py::object failure_;
};

/// A request that Python fills in by keyword.
template <class Request>
py::class_<Request> add_request(py::module_& module, const char* name) {
  return py::class_<Request>(module, name).def(py::init([](const py::kwargs& values) {
    py::object made = py::cast(Request{});
    for (const auto& [key, value] : values) made.attr(key) = value;
    return made.cast<Request>();
  }));
}

void add_requests(py::module_& module) {
  py::class_<Setting>(module, "Setting").def(py::init([](std::string path, std::string text, std::string label) {
    return Setting{std::move(path), std::move(text), std::move(label)};
  }));
  add_request<RunRequest>(module, "Run")
      .def_readwrite("substrate", &RunRequest::substrate)
      .def_readwrite("workload", &RunRequest::workload)
      .def_readwrite("seed", &RunRequest::seed)
      .def_readwrite("seeds", &RunRequest::seeds)
      .def_readwrite("set", &RunRequest::set)
      .def_readwrite("interval", &RunRequest::interval)
      .def_readwrite("timeline", &RunRequest::timeline);
  add_request<SweepRequest>(module, "Sweep")
      .def_readwrite("spec", &SweepRequest::spec)
      .def_readwrite("file", &SweepRequest::file)
      .def_readwrite("waterfall", &SweepRequest::waterfall)
      .def_readwrite("threads", &SweepRequest::threads);
  add_request<RecommendRequest>(module, "Recommend")
      .def_readwrite("substrate", &RecommendRequest::substrate)
      .def_readwrite("workload", &RecommendRequest::workload)
      .def_readwrite("op", &RecommendRequest::op)
      .def_readwrite("quality", &RecommendRequest::quality)
      .def_readwrite("max_sparsity", &RecommendRequest::max_sparsity)
      .def_readwrite("target", &RecommendRequest::target)
      .def_readwrite("seed", &RecommendRequest::seed)
      .def_readwrite("threads", &RecommendRequest::threads);
  add_request<BreakevenQuestion>(module, "Breakeven")
      .def_readwrite("substrate", &BreakevenQuestion::substrate)
      .def_readwrite("workload", &BreakevenQuestion::workload)
      .def_readwrite("over", &BreakevenQuestion::over)
      .def_readwrite("also", &BreakevenQuestion::also)
      .def_readwrite("set", &BreakevenQuestion::set)
      .def_readwrite("target", &BreakevenQuestion::target)
      .def_readwrite("points", &BreakevenQuestion::points)
      .def_readwrite("interval", &BreakevenQuestion::interval)
      .def_readwrite("threads", &BreakevenQuestion::threads);
  add_request<ValidateRequest>(module, "Validate")
      .def_readwrite("measurements", &ValidateRequest::measurements)
      .def_readwrite("only", &ValidateRequest::only)
      .def_readwrite("substrates", &ValidateRequest::substrates)
      .def_readwrite("masks", &ValidateRequest::masks)
      .def_readwrite("baseline", &ValidateRequest::baseline)
      .def_readwrite("seed", &ValidateRequest::seed)
      .def_readwrite("threads", &ValidateRequest::threads);
  add_request<ServeRequest>(module, "Serve")
      .def_readwrite("substrate", &ServeRequest::substrate)
      .def_readwrite("workload", &ServeRequest::workload)
      .def_readwrite("rates", &ServeRequest::rates)
      .def_readwrite("set", &ServeRequest::set)
      .def_readwrite("change", &ServeRequest::change)
      .def_readwrite("seed", &ServeRequest::seed)
      .def_readwrite("quality_dense", &ServeRequest::quality_dense)
      .def_readwrite("quality_sparse", &ServeRequest::quality_sparse)
      .def_readwrite("interval", &ServeRequest::interval)
      .def_readwrite("threads", &ServeRequest::threads);
  add_request<ImportRequest>(module, "Import")
      .def_readwrite("config", &ImportRequest::config)
      .def_readwrite("weights", &ImportRequest::weights)
      .def_readwrite("recipe", &ImportRequest::recipe)
      .def_readwrite("name", &ImportRequest::name)
      .def_readwrite("dtype", &ImportRequest::dtype)
      .def_readwrite("phase", &ImportRequest::phase)
      .def_readwrite("batch", &ImportRequest::batch)
      .def_readwrite("seq", &ImportRequest::seq)
      .def_readwrite("keys", &ImportRequest::keys)
      .def_readwrite("tensor", &ImportRequest::tensor)
      .def_readwrite("expert", &ImportRequest::expert)
      .def_readwrite("pipeline", &ImportRequest::pipeline)
      .def_readwrite("data", &ImportRequest::data);
  add_request<InspectRequest>(module, "Inspect")
      .def_readwrite("file", &InspectRequest::file)
      .def_readwrite("label", &InspectRequest::label)
      .def_readwrite("tensor", &InspectRequest::tensor)
      .def_readwrite("substrate", &InspectRequest::substrate)
      .def_readwrite("dtype", &InspectRequest::dtype)
      .def_readwrite("block_rows", &InspectRequest::block_rows)
      .def_readwrite("block_columns", &InspectRequest::block_columns)
      .def_readwrite("svg", &InspectRequest::svg);
}

/// 1 / (1 - s a): `sparsesim estimate`.
double estimate(double sparsity, double cache, double dispatch, double transfer) {
  for (const double share : {sparsity, cache, dispatch, transfer})
    if (!(share >= 0 && share <= 1)) throw py::value_error("shares are from 0 to 1");
  return quick_estimate({sparsity, cache, dispatch, transfer});
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.attr("version") = SPARSESIM_VERSION;
  module.attr("source") = SPARSESIM_SOURCE_DIR;
  add_requests(module);
  py::class_<Held>(module, "Held").def_readonly("name", &Held::name);
  py::class_<Core>(module, "Core")
      .def(py::init<std::string, py::object>())
      .def("run", &Core::ask<RunRequest, answer_run>)
      .def("sweep", &Core::ask<SweepRequest, answer_sweep>)
      .def("recommend", &Core::ask<RecommendRequest, answer_recommend>)
      .def("breakeven", &Core::ask<BreakevenQuestion, answer_breakeven>)
      .def("validate", &Core::ask<ValidateRequest, answer_validate>)
      .def("serve", &Core::ask<ServeRequest, answer_serve>)
      .def("inspect", &Core::inspect)
      .def("show", &Core::show)
      .def("workload", &Core::workload)
      .def("import_config", &Core::import_config)
      .def("substrates", &Core::substrates)
      .def("workloads", &Core::workloads)
      .def("mask", &Core::mask);
  module.def("text", &hold_text);
  module.def("estimate", &estimate);
  module.def("schema", [](bool workload) { return workload ? workload_schema(serving_keys()) : substrate_schema(); });
}

}  // namespace sparsesim::python
