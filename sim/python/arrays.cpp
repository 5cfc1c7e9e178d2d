#include "sim/python/arrays.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>

#include "models/evaluate/run.h"

namespace sparsesim::python {
namespace {

namespace py = pybind11;

/// Codes of the buffer protocol (module struct); nothing for types that are no plain numbers.
std::optional<ElementKind> kind_of_code(char code) {
  if (code == '?') return ElementKind::boolean;
  if (std::string_view("bhilqn").find(code) != std::string_view::npos) return ElementKind::signed_integer;
  if (std::string_view("BHILQNc").find(code) != std::string_view::npos) return ElementKind::unsigned_integer;
  if (std::string_view("efd").find(code) != std::string_view::npos) return ElementKind::floating;
  return std::nullopt;
}

ElementType element_type(const std::string& format, py::ssize_t bytes, bool floating) {
  std::string_view code = format;
  const bool big_endian = code.starts_with('>') || code.starts_with('!');
  if (!code.empty() && std::string_view("<>=@!|").find(code[0]) != std::string_view::npos) code.remove_prefix(1);
  const auto kind = code.size() == 1 ? kind_of_code(code[0]) : std::nullopt;
  if (!kind || (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8))
    throw py::value_error(
        fmt::format("elements of type \"{}\"; masks are of booleans, integers or floating point", format));
  return {floating ? ElementKind::floating : *kind, static_cast<int>(bytes), big_endian};
}

ArrayView view_of(const py::buffer_info& info, bool floating) {
  if (info.ndim < 1) throw py::value_error("an array without dimensions is no mask");
  return {element_type(info.format, info.itemsize, floating),
          static_cast<const char*>(info.ptr),
          {info.shape.begin(), info.shape.end()},
          {info.strides.begin(), info.strides.end()}};
}

template <class T>
std::string bytes_digest(const std::vector<T>& values) {
  return fnv1a({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

Held hold(const std::string& name, std::shared_ptr<const config::MemoryFile> file) {
  return {name, config::hold_in_memory(name, std::move(file))};
}

template <class Number>
std::optional<Number> whole_number(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

py::object scalar_to_python(const config::Node& node) {
  const std::string& text = node.scalar();
  if (node.quoted()) return py::str(text);
  if (text == "true" || text == "false") return py::bool_(text == "true");
  if (const auto integer = whole_number<std::int64_t>(text)) return py::int_(*integer);
  const bool number = !text.empty() && std::string_view("+-.0123456789").find(text[0]) != std::string_view::npos;
  if (const auto value = number ? whole_number<double>(text) : std::nullopt) return py::float_(*value);
  return py::str(text);
}

}  // namespace

Held hold_text(const std::string& text) {
  return hold(fmt::format("{}{}", config::kMemoryPrefix, fnv1a(text)), std::make_shared<config::MemoryText>(text));
}

Held hold_mask(const py::buffer& array, bool floating) {
  const py::buffer_info info = array.request();
  const ArrayView view = view_of(info, floating);
  const py::gil_scoped_release others_may_run;
  Mask mask = mask_of_memory(view);
  const std::string name = fmt::format("{}mask {}x{} {}{}", config::kMemoryPrefix, mask.rows, mask.columns,
                                       bytes_digest(mask.offsets), bytes_digest(mask.indices));
  return hold(name, std::make_shared<MemoryMask>(std::move(mask)));
}

py::object to_python(const config::Node& node) {
  using Type = config::Node::Type;
  if (node.type() == Type::null) return py::none();
  if (node.type() == Type::scalar) return scalar_to_python(node);
  if (node.type() == Type::sequence) {
    py::list list;
    for (const config::Node& item : node.items()) list.append(to_python(item));
    return list;
  }
  py::dict map;
  for (const auto& [key, value] : node.entries()) map[py::str(key)] = to_python(value);
  return map;
}

}  // namespace sparsesim::python
