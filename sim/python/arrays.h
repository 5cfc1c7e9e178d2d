#pragma once
// Python's arrays and YAML trees on their way in and out.

#include <pybind11/pybind11.h>

#include <string>

#include "models/sparsity/formats/memory_mask.h"
#include "sim/config/node.h"

namespace sparsesim::python {

/// A name that workloads can use while this is held.
struct Held {
  std::string name;
  std::shared_ptr<const config::MemoryFile> file;
};

/// A YAML text, named after its content.
Held hold_text(const std::string& text);

/// The places of an array that are not zero, named after them. The array's memory is read where it lies, once, without
/// Python's lock. `floating`: the elements are floating point although the array calls them integers (bfloat16 has no
/// code in the buffer protocol). Errors: py::value_error for other types; those of mask_of_memory().
Held hold_mask(const pybind11::buffer& array, bool floating);

/// A tree as dicts, lists and scalars; what YAML takes for text stays text, so do numbers with units.
pybind11::object to_python(const config::Node& node);

}  // namespace sparsesim::python
