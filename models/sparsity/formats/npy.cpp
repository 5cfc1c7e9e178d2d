#include "models/sparsity/formats/npy.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace sparsesim {
namespace {

constexpr std::int64_t kNpyHeaderMost = 1 << 16;  // bytes; NumPy writes about 120
constexpr std::size_t kNpyDimensionsMost = 8;

struct NpyType {
  std::string_view name;  // kind and bytes, as in "<f2"
  ElementKind kind;
};
constexpr std::array<NpyType, 12> kNpyTypes = {{{"b1", ElementKind::boolean},
                                                {"i1", ElementKind::signed_integer},
                                                {"i2", ElementKind::signed_integer},
                                                {"i4", ElementKind::signed_integer},
                                                {"i8", ElementKind::signed_integer},
                                                {"u1", ElementKind::unsigned_integer},
                                                {"u2", ElementKind::unsigned_integer},
                                                {"u4", ElementKind::unsigned_integer},
                                                {"u8", ElementKind::unsigned_integer},
                                                {"f2", ElementKind::floating},
                                                {"f4", ElementKind::floating},
                                                {"f8", ElementKind::floating}}};
constexpr std::string_view kOrders = "<>|=";  // of bytes

/// Reads the header's Python dictionary: texts, booleans and tuples of numbers. Errors carry their place.
class HeaderReader {
 public:
  HeaderReader(const ByteFile& file, std::int64_t offset, std::string_view text)
      : file_(file), offset_(offset), text_(text) {}

  StoredArray read() {
    StoredArray array;
    expect('{');
    while (!accept('}')) {
      skip();
      const std::size_t place = at_;
      const std::string_view key = text();
      expect(':');
      if (key == "descr")
        once(type_, place) = element_type();
      else if (key == "fortran_order")
        once(order_, place) = boolean();
      else if (key == "shape")
        once(shape_, place) = shape();
      else
        refuse(place, fmt::format("unknown key \"{}\" in the header (known: descr, fortran_order, shape)", key));
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (at_ != text_.size()) refuse(at_, "more text behind the header's dictionary");
    if (!type_ || !order_ || !shape_) refuse(0, "the header lacks descr, fortran_order or shape");
    return {*type_, *shape_, *order_, 0};
  }

 private:
  [[noreturn]] void refuse(std::size_t place, const std::string& message) const {
    file_.refuse(offset_ + static_cast<std::int64_t>(place), message);
  }
  template <class T>
  std::optional<T>& once(std::optional<T>& value, std::size_t place) const {
    if (value) refuse(place, "a key of the header is given twice");
    return value;
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse(at_, fmt::format("expected '{}' in the header", c));
  }
  std::string_view text() {
    skip();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') refuse(at_, "expected a quoted text in the header");
    const std::size_t begin = at_ + 1, end = text_.find(quote, begin);
    if (end == std::string_view::npos) refuse(at_, "a quoted text that never closes");
    at_ = end + 1;
    return text_.substr(begin, end - begin);
  }
  bool boolean() {
    skip();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return word == "True";
    }
    refuse(at_, "fortran_order is True or False");
  }
  std::vector<std::int64_t> shape() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      std::int64_t size = 0;
      skip();
      const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) refuse(at_, "expected a size of 0 or more in the shape");
      if (sizes.size() == kNpyDimensionsMost) refuse(at_, fmt::format("more than {} dimensions", kNpyDimensionsMost));
      sizes.push_back(size);
      at_ = static_cast<std::size_t>(stop - text_.data());
      if (accept(',')) continue;
      expect(')');
      break;
    }
    return sizes;
  }
  ElementType element_type() {
    skip();
    const std::size_t place = at_;
    if (accept('[')) refuse(place, "structured types are not read; save one field alone");
    const std::string_view name = text();
    for (const NpyType& known : kNpyTypes)
      if (name.size() == 3 && name.substr(1) == known.name && kOrders.find(name[0]) != std::string_view::npos)
        return {known.kind, known.name[1] - '0', name[0] == '>'};
    refuse(place, fmt::format("type \"{}\" is not read (known: b1, i1 to i8, u1 to u8, f2, f4 and f8)", name));
  }

  const ByteFile& file_;
  std::int64_t offset_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<ElementType> type_;
  std::optional<bool> order_;
  std::optional<std::vector<std::int64_t>> shape_;
};

}  // namespace

StoredArray read_npy_header(const ByteFile& file, std::int64_t begin, std::int64_t end) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  constexpr std::int64_t kVersionEnd = 8;
  if (end - begin < kVersionEnd + 2 || file.read(begin, 6) != kMagic)
    file.refuse(begin, "does not begin as an .npy file does (\\x93NUMPY)");
  const std::int64_t version = file.read_number(begin + 6, 1);
  if (version < 1 || version > 3) file.refuse(begin + 6, fmt::format("version {}; known are 1, 2 and 3", version));
  const int width = version == 1 ? 2 : 4;
  const std::int64_t text_begin = begin + kVersionEnd + width;
  if (text_begin > end) file.refuse(end, "the file ends within its header");
  const std::int64_t length = file.read_number(begin + kVersionEnd, width);
  if (length > kNpyHeaderMost || length > end - text_begin)
    file.refuse(begin + kVersionEnd, fmt::format("a header of {} bytes; {} follow, and at most {} are read", length,
                                                 end - text_begin, kNpyHeaderMost));
  const std::string text = file.read(text_begin, length);
  StoredArray array = HeaderReader(file, text_begin, text).read();
  array.offset = text_begin + length;
  const std::int64_t count = array.count(), held = end - array.offset;
  if (count < 0) file.refuse(text_begin, "the shape is larger than any file");
  if (count * array.type.bytes != held)
    file.refuse(array.offset, fmt::format("{} elements of {} bytes need {} bytes, the file has {}", count,
                                          array.type.bytes, count * array.type.bytes, held));
  return array;
}

StoredArray read_npy_header(const ByteFile& file) { return read_npy_header(file, 0, file.size()); }

IntegerArray read_npy_integers(const std::string& path, std::int64_t most) {
  const ByteFile file(path);
  return read_integers(file, read_npy_header(file), most);
}

}  // namespace sparsesim
