// The header of safetensors files: 8 bytes with its length, JSON, then the tensors' bytes.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "models/sparsity/formats/named_arrays.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kSafetensorsHeaderMost = 100'000'000;  // bytes, the format's own limit
constexpr std::size_t kTensorsMost = 1 << 20;
constexpr std::size_t kSafetensorsDimensionsMost = 8;

struct SafetensorsType {
  std::string_view name;
  ElementType type;
};
constexpr std::array<SafetensorsType, 15> kSafetensorsTypes = {{{"BOOL", {ElementKind::boolean, 1}},
                                                                {"U8", {ElementKind::unsigned_integer, 1}},
                                                                {"I8", {ElementKind::signed_integer, 1}},
                                                                {"F8_E4M3", {ElementKind::floating, 1}},
                                                                {"F8_E5M2", {ElementKind::floating, 1}},
                                                                {"U16", {ElementKind::unsigned_integer, 2}},
                                                                {"I16", {ElementKind::signed_integer, 2}},
                                                                {"F16", {ElementKind::floating, 2}},
                                                                {"BF16", {ElementKind::floating, 2}},
                                                                {"U32", {ElementKind::unsigned_integer, 4}},
                                                                {"I32", {ElementKind::signed_integer, 4}},
                                                                {"F32", {ElementKind::floating, 4}},
                                                                {"U64", {ElementKind::unsigned_integer, 8}},
                                                                {"I64", {ElementKind::signed_integer, 8}},
                                                                {"F64", {ElementKind::floating, 8}}}};

/// What the header says of one tensor.
struct Entry {
  std::string name, type_name;
  std::vector<std::int64_t> shape, offsets;
  bool has_type = false, has_shape = false, has_offsets = false;
};

/// Takes the header's JSON as it is read, so that a large one is never a tree in memory.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<Entry> entries;
  std::string problem;     // the first one
  std::string of;          // the name of its tensor; empty: of none
  std::int64_t place = 0;  // in the header, of a problem that is no tensor's

  bool null() override { return unexpected(); }
  bool boolean(bool) override { return unexpected(); }
  bool number_float(double, const std::string&) override { return unexpected(); }
  bool binary(nlohmann::json::binary_t&) override { return unexpected(); }
  bool number_integer(std::int64_t) override { return fail("has a negative size"); }
  bool number_unsigned(std::uint64_t value) override {
    if (!list_) return unexpected();
    if (value >> 62) return fail("has a size that no file can hold");
    if (list_->size() == kSafetensorsDimensionsMost)
      return fail(fmt::format("has more than {} dimensions", kSafetensorsDimensionsMost));
    list_->push_back(static_cast<std::int64_t>(value));
    return true;
  }
  bool string(std::string& text) override {
    if (in_metadata() && depth_ == 2) return true;
    if (depth_ != 2 || key_ != "dtype") return unexpected();
    entries.back().type_name = text;
    return true;
  }
  bool start_object(std::size_t) override { return ++depth_ <= 2 && !list_ ? true : unexpected(); }
  bool end_object() override {
    if (--depth_ != 1 || in_metadata()) return true;
    const Entry& entry = entries.back();
    if (!entry.has_type || !entry.has_shape || !entry.has_offsets) return fail("lacks dtype, shape or data_offsets");
    return true;
  }
  bool key(std::string& text) override {
    key_ = text;
    if (depth_ == 1) return start_tensor();
    if (in_metadata()) return true;
    Entry& entry = entries.back();
    bool* known = text == "dtype"          ? &entry.has_type
                  : text == "shape"        ? &entry.has_shape
                  : text == "data_offsets" ? &entry.has_offsets
                                           : nullptr;
    if (!known) return fail(fmt::format("has an unknown key \"{}\"", text));
    if (*known) return fail(fmt::format("has {} twice", text));
    return *known = true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata() || list_ || (key_ != "shape" && key_ != "data_offsets")) return unexpected();
    list_ = key_ == "shape" ? &entries.back().shape : &entries.back().offsets;
    return true;
  }
  bool end_array() override {
    list_ = nullptr;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    problem = "the header is not valid JSON here";
    place = static_cast<std::int64_t>(position > 0 ? position - 1 : 0);
    return false;
  }

 private:
  bool in_metadata() const { return tensor_ == "__metadata__"; }
  bool fail(const std::string& message) {
    problem = message;
    of = tensor_;
    return false;
  }
  bool unexpected() {
    return depth_ == 0 ? fail("the header is not a JSON object")
                       : fail(fmt::format("has a value of the wrong kind at \"{}\"", key_));
  }
  bool start_tensor() {
    tensor_ = key_;
    if (!names_.try_emplace(tensor_).second) return fail("is there twice");
    if (entries.size() == kTensorsMost) return fail(fmt::format("is one more than {}", kTensorsMost));
    if (!in_metadata()) entries.push_back({.name = tensor_, .type_name = {}, .shape = {}, .offsets = {}});
    return true;
  }

  int depth_ = 0;
  std::string tensor_, key_;
  std::vector<std::int64_t>* list_ = nullptr;  // the array that is being read
  std::map<std::string, bool> names_;
};

const ElementType* find_type(const std::string& name) {
  for (const SafetensorsType& known : kSafetensorsTypes)
    if (known.name == name) return &known.type;
  return nullptr;
}

/// A file whose header has been read.
class Tensors {
 public:
  explicit Tensors(const ByteFile& file) : file_(file) {
    constexpr std::int64_t kLength = 8;
    const std::int64_t length = file.read_number(0, kLength);
    if (length > kSafetensorsHeaderMost || length > file.size() - kLength)
      file.refuse(0, fmt::format("a header of {} bytes; {} follow, and at most {} are read", length,
                                 file.size() - kLength, kSafetensorsHeaderMost));
    header_ = file.read(kLength, length);
    data_ = kLength + length;
  }

  std::vector<NamedArray> read() {
    HeaderHandler handler;
    // The format pads the header with blanks; the parser skips them.
    if (!nlohmann::json::sax_parse(header_, &handler)) {
      if (handler.of.empty()) file_.refuse(8 + handler.place, handler.problem);
      refuse(handler.of, handler.problem);
    }
    std::vector<NamedArray> arrays;
    for (const Entry& entry : handler.entries) arrays.push_back(checked(entry));
    check_places(handler.entries);
    return arrays;
  }

 private:
  /// At the name in the header: where it is written with escapes, at the header.
  [[noreturn]] void refuse(const std::string& name, const std::string& message) const {
    const std::size_t found = header_.find("\"" + name + "\"");
    file_.refuse(8 + (found == std::string::npos ? 0 : static_cast<std::int64_t>(found)),
                 fmt::format("tensor \"{}\" {}", name, message));
  }

  NamedArray checked(const Entry& entry) const {
    if (entry.offsets.size() != 2 || entry.offsets[0] > entry.offsets[1])
      refuse(entry.name, "needs two rising data_offsets");
    if (entry.offsets[1] > file_.size() - data_)
      refuse(entry.name, fmt::format("ends at {} of {} data bytes", entry.offsets[1], file_.size() - data_));
    NamedArray array{entry.name, entry.type_name, false, {}};
    array.array.shape = entry.shape;
    array.array.offset = data_ + entry.offsets[0];
    const ElementType* type = find_type(entry.type_name);
    if (!type) return array;
    array.readable = true;
    array.array.type = *type;
    const std::int64_t count = array.array.count(), held = entry.offsets[1] - entry.offsets[0];
    if (count < 0 || count * type->bytes != held)
      refuse(entry.name,
             fmt::format("holds {} bytes; its shape [{}] of {} needs {}", held, fmt::join(entry.shape, ", "),
                         entry.type_name, count < 0 ? "more than any file" : std::to_string(count * type->bytes)));
    return array;
  }

  void check_places(const std::vector<Entry>& entries) const {
    std::vector<const Entry*> sorted;
    for (const Entry& entry : entries) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(), [](const Entry* a, const Entry* b) {
      return std::tie(a->offsets, a->name) < std::tie(b->offsets, b->name);
    });
    std::int64_t end = 0;
    for (const Entry* entry : sorted) {
      if (entry->offsets[0] != end)
        refuse(entry->name, fmt::format("begins at {}, the tensor before it ends at {}", entry->offsets[0], end));
      end = entry->offsets[1];
    }
    if (end != file_.size() - data_)
      file_.refuse(data_ + end, fmt::format("{} bytes that belong to no tensor", file_.size() - data_ - end));
  }

  const ByteFile& file_;
  std::string header_;
  std::int64_t data_ = 0;  // where the tensors' bytes begin
};

}  // namespace

std::vector<NamedArray> read_safetensors_arrays(const ByteFile& file) { return Tensors(file).read(); }

}  // namespace sparsesim
