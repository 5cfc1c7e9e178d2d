#include "models/sparsity/formats/memory_mask.h"

#include <doctest/doctest.h>

#include <array>

#include "models/sparsity/formats/mask_formats.h"
#include "sim/core/random.h"

namespace sparsesim {
namespace {

/// 5 x 7 bytes, a third of them zero.
std::array<char, 35> drawn_bytes() {
  std::array<char, 35> bytes{};
  RandomStream random(1, "memory mask");
  for (char& byte : bytes) byte = static_cast<char>(random.below(3));
  return bytes;
}

ArrayView view_of_bytes(const char* first, std::vector<std::int64_t> shape, std::vector<std::int64_t> strides) {
  return {{ElementKind::signed_integer, 1, false}, first, std::move(shape), std::move(strides)};
}

TEST_CASE("an array is read where it lies, whatever its strides") {
  const auto bytes = drawn_bytes();
  struct Way {
    std::int64_t first;
    std::vector<std::int64_t> shape, strides;
  };
  const std::array<Way, 7> ways{{{0, {5, 7}, {7, 1}},
                                 {0, {7, 5}, {1, 7}},
                                 {34, {5, 7}, {-7, -1}},
                                 {0, {3, 3}, {14, 2}},
                                 {3, {4, 9}, {0, 1}},
                                 {0, {2, 3, 4}, {12, 4, 1}},
                                 {30, {4}, {-3}}}};
  for (const Way& way : ways) {
    const Mask mask = mask_of_memory(view_of_bytes(bytes.data() + way.first, way.shape, way.strides));
    std::int64_t row = 0, stored = 0;
    const auto check_row = [&](std::int64_t offset) {
      std::vector<std::int32_t> expected;
      for (std::int64_t i = 0; i < way.shape.back(); ++i)
        if (bytes[static_cast<std::size_t>(way.first + offset + i * way.strides.back())] != 0)
          expected.push_back(static_cast<std::int32_t>(i));
      const auto found = mask.row(row++);
      CHECK(std::vector<std::int32_t>(found.begin(), found.end()) == expected);
      stored += static_cast<std::int64_t>(expected.size());
    };
    if (way.shape.size() == 1) check_row(0);
    if (way.shape.size() == 2)
      for (std::int64_t i = 0; i < way.shape[0]; ++i) check_row(i * way.strides[0]);
    if (way.shape.size() == 3)
      for (std::int64_t i = 0; i < way.shape[0]; ++i)
        for (std::int64_t j = 0; j < way.shape[1]; ++j) check_row(i * way.strides[0] + j * way.strides[1]);
    CHECK(mask.rows == row);
    CHECK(mask.columns == way.shape.back());
    CHECK(mask.stored() == stored);
  }
}

TEST_CASE("arrays that no mask can be are refused before they are read") {
  const char one = 1;
  CHECK_THROWS_AS(mask_of_memory(view_of_bytes(&one, {0, 4}, {4, 1})), config::ConfigError);
  CHECK_THROWS_AS(mask_of_memory(view_of_bytes(&one, {1 << 20, 1 << 20, 1}, {0, 0, 1})), config::ConfigError);
  CHECK_THROWS_AS(mask_of_memory(view_of_bytes(&one, {1 << 10, 1 << 20}, {0, 0})), config::ConfigError);  // 2^30 stored
}

TEST_CASE("a mask in memory goes by its name") {
  const auto bytes = drawn_bytes();
  const auto mask = std::make_shared<MemoryMask>(mask_of_memory(view_of_bytes(bytes.data(), {5, 7}, {7, 1})));
  const auto held = config::hold_in_memory("memory:mask", mask);
  CHECK(read_mask(parse_mask_name("memory:mask")).indices == mask->mask().indices);
  CHECK(read_unit_counts("memory:mask", 5, 7, 5, 7).units == std::vector<std::int32_t>{1});
  CHECK_THROWS_AS(read_mask(parse_mask_name("memory:other")), config::ConfigError);
}

}  // namespace
}  // namespace sparsesim
