// Memory of operands, and how they take turns.

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <stdexcept>
#include <vector>

#include "validate/measure/cpu/aligned.h"
#include "validate/measure/cpu/context.h"
#include "validate/measure/cpu/rotation.h"

using namespace sparsesim::measure;

TEST_CASE("buffers begin on a line, zeroed, and share none") {
  std::vector<Buffer<float>> buffers;
  for (std::size_t count = 1; count < 3000; count += 7) buffers.emplace_back(count);
  std::uintptr_t end = 0;
  for (auto& buffer : buffers) {
    const auto begin = reinterpret_cast<std::uintptr_t>(buffer.data());
    CHECK(begin % 64 == 0);
    for (const float value : buffer) REQUIRE(value == 0);
    buffer[buffer.size() - 1] = 1;
    CHECK((begin >= end || begin + buffer.bytes() <= end));
    end = begin + buffer.bytes();
  }
  for (const auto& buffer : buffers) CHECK(buffer[buffer.size() - 1] == 1);
}

TEST_CASE("copies of a buffer are deep") {
  Buffer<int> one(5);
  one[3] = 7;
  Buffer<int> two = one;
  two[3] = 8;
  CHECK(one[3] == 7);
  Buffer<int> taken = std::move(two);
  CHECK(taken[3] == 8);
  CHECK(two.data() == nullptr);
  one = taken;
  CHECK(one[3] == 8);
}

TEST_CASE("memory that was given back is fresh when it comes again: small, shared and large pieces") {
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{3} << 20, std::size_t{40} << 20})
    for (int round = 0; round < 30; ++round) {  // 30 * 40 MiB stay within the limit of a small machine only if freed
      Buffer<char> buffer(bytes);
      REQUIRE(buffer[0] == 0);
      REQUIRE(buffer[bytes - 1] == 0);
      buffer[0] = buffer[bytes - 1] = 1;
    }
}

TEST_CASE("copies exceed three times the last cache together, and take turns") {
  CpuContext context;
  context.last_cache_bytes = 1 << 20;
  CHECK(rotation_copies(1 << 20, context) == 3);
  CHECK(rotation_copies(4 << 20, context) == 1);
  CHECK(rotation_copies(100'000, context) == 32);  // 31.5 of them
  CHECK(rotation_copies(1, context) == 4096);      // the most there are
  context.memory_bytes = 48 * 500'000;             // a large cache on a small machine
  CHECK(rotation_copies(100'000, context) == 5);
  context.memory_bytes = 0;  // not known
  Rotation<Buffer<char>> rotation(Buffer<char>(400'000), 400'000, context);
  REQUIRE(rotation.size() == 8);  // 7.9
  std::set<const char*> seen;
  for (int i = 0; i < 8; ++i) seen.insert(rotation.next().data());
  CHECK(seen.size() == 8);
  CHECK(seen.contains(rotation.next().data()));
}

TEST_CASE("the processor says what it is, and gives no more cores than it has") {
  const CpuContext context = make_cpu_context(0);
  CHECK(context.threads == 1);
  CHECK(context.last_cache_bytes >= 1 << 18);
  CHECK_FALSE(context.model.empty());
  CHECK((context.avx2 || !context.avx512));  // AVX-512 has all of AVX2
  CHECK((context.avx512 || !context.amx_bf16));
  CHECK_THROWS_AS(make_cpu_context(100'000), std::invalid_argument);
}
