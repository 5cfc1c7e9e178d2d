#include "sim/python/failures.h"

#include <functional>
#include <stdexcept>
#include <string>

#include "models/compute/launch_memo.h"
#include "models/network/topology.h"
#include "models/ops/limits.h"
#include "models/ops/op.h"
#include "models/substrate/settings.h"
#include "sim/config/node.h"
#include "sim/sweep/store.h"
#include "validate/compare/predict.h"

namespace sparsesim::python {
namespace {

namespace py = pybind11;

[[noreturn]] void raise_failure(const py::object& failure, const char* kind, const std::string& text,
                                const py::list& mistakes = py::list()) {
  PyErr_SetObject(failure.ptr(), py::make_tuple(kind, text, mistakes).ptr());
  throw py::error_already_set();
}

py::list mistakes_of(const config::ConfigError& error) {
  py::list list;
  for (const config::Mistake& mistake : error.mistakes())
    list.append(py::make_tuple(mistake.position.file, mistake.position.line, mistake.position.column, mistake.message,
                               mistake.hint));
  return list;
}

}  // namespace

void with_failures(const py::object& failure, const std::function<void()>& f) {
  try {
    f();
  } catch (const config::ConfigError& error) {
    raise_failure(failure, "config", error.what(), mistakes_of(error));
  } catch (const SettingError& error) {
    raise_failure(failure, "config", error.what());
  } catch (const TooLargeError& error) {
    raise_failure(failure, "config", error.what());
  } catch (const std::overflow_error& error) {
    raise_failure(failure, "config", std::string("too large: ") + error.what());
  } catch (const UnsupportedError& error) {
    raise_failure(failure, "unsupported", error.what());
  } catch (const FabricError& error) {
    raise_failure(failure, "unsupported", error.what());
  } catch (const sweep::StoreError& error) {
    raise_failure(failure, "results", error.what());
  } catch (const RunStopped& error) {
    raise_failure(failure, "stopped", error.what());
  } catch (const Interrupted& error) {
    raise_failure(failure, "stopped", error.what());
  }
}

}  // namespace sparsesim::python
