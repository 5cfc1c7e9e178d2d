#include "models/sparsity/formats/stored_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace sparsesim {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are loaded as they lie in little-endian files");

template <class Word>
Word load(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

template <class Word>
Word swapped(Word word) {
  Word out = 0;
  for (std::size_t i = 0; i < sizeof word; ++i)
    out = static_cast<Word>(out | static_cast<Word>((word >> (8 * i)) & 0xFF) << (8 * (sizeof word - 1 - i)));
  return out;
}

/// Without a branch per element: a random mask would mispredict every other one.
template <class Word>
void append(const ElementType& type, const char* bytes, std::int64_t count, std::int32_t first,
            std::vector<std::int32_t>& places) {
  const Word sign = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
  Word kept =
      static_cast<Word>(type.kind == ElementKind::floating ? static_cast<Word>(~sign) : static_cast<Word>(~Word{0}));
  if (type.big_endian) kept = swapped(kept);
  std::size_t end = places.size();
  places.resize(end + static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    places[end] = first + static_cast<std::int32_t>(i);
    end += (load<Word>(bytes + static_cast<std::size_t>(i) * sizeof(Word)) & kept) != 0;
  }
  places.resize(end);
}

template <class Word, class Signed>
std::int64_t integer(const ElementType& type, const char* bytes) {
  Word word = load<Word>(bytes);
  if (type.big_endian) word = swapped(word);
  if (type.kind == ElementKind::signed_integer) return static_cast<Signed>(word);
  return static_cast<std::int64_t>(word);  // unsigned ones beyond 2^63 come out negative
}

std::int64_t integer_at(const ElementType& type, const char* bytes) {
  switch (type.bytes) {
    case 1:
      return integer<std::uint8_t, std::int8_t>(type, bytes);
    case 2:
      return integer<std::uint16_t, std::int16_t>(type, bytes);
    case 4:
      return integer<std::uint32_t, std::int32_t>(type, bytes);
    default:
      return integer<std::uint64_t, std::int64_t>(type, bytes);
  }
}

/// Where the element that comes `index`-th in the file stands when the last dimension varies fastest.
std::int64_t row_major_index(const std::vector<std::int64_t>& shape, std::int64_t index) {
  std::int64_t stride = 1, place = 0;
  for (const std::int64_t size : shape) stride *= size;
  for (const std::int64_t size : shape) {
    stride /= size;
    place += index % size * stride;
    index /= size;
  }
  return place;
}

}  // namespace

std::int64_t element_count(const std::vector<std::int64_t>& shape, int bytes) {
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  // Zero sizes first: they make an array empty however large the others are.
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size < 0; })) return -1;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size > kMost / bytes / count) return -1;
    count *= size;
  }
  return count;
}

std::int64_t StoredArray::count() const { return element_count(shape, type.bytes); }

void append_nonzero(const ElementType& type, const char* bytes, std::int64_t count, std::int32_t first,
                    std::vector<std::int32_t>& places) {
  switch (type.bytes) {
    case 1:
      return append<std::uint8_t>(type, bytes, count, first, places);
    case 2:
      return append<std::uint16_t>(type, bytes, count, first, places);
    case 4:
      return append<std::uint32_t>(type, bytes, count, first, places);
    default:
      return append<std::uint64_t>(type, bytes, count, first, places);
  }
}

IntegerArray read_integers(const ByteFile& file, const StoredArray& array, std::int64_t most) {
  const std::int64_t count = array.count();
  if (!array.type.is_integer()) file.refuse(array.offset, "integers are needed here, the array holds floating point");
  if (count < 0 || count > most)
    file.refuse(array.offset, fmt::format("an array of {} elements; at most {} are read", count, most));
  IntegerArray out{array.shape, std::vector<std::int64_t>(static_cast<std::size_t>(count))};
  const std::int64_t width = array.type.bytes, chunk = (std::int64_t{1} << 20) / width;
  std::string bytes;
  for (std::int64_t at = 0; at < count; at += chunk) {
    const std::int64_t piece = std::min(chunk, count - at);
    bytes.resize(static_cast<std::size_t>(piece * width));
    file.read(array.offset + at * width, bytes.data(), piece * width);
    for (std::int64_t i = 0; i < piece; ++i) {
      const std::int64_t value = integer_at(array.type, bytes.data() + i * width);
      if (value < 0 && array.type.kind == ElementKind::unsigned_integer)
        file.refuse(array.offset + (at + i) * width, "a number beyond 2^63 - 1");
      const std::int64_t place = array.fortran_order ? row_major_index(array.shape, at + i) : at + i;
      out.values[static_cast<std::size_t>(place)] = value;
    }
  }
  return out;
}

}  // namespace sparsesim
