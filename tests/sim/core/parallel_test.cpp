#include "sim/core/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

using namespace sparsesim;

TEST_CASE("every index is worked on exactly once, on any number of threads") {
  for (const int threads : {0, 1, 2, 7}) {
    std::vector<int> visits(1000, 0);
    for_each_index(visits.size(), threads, [&](std::size_t i) { ++visits[i]; });
    for (const int count : visits) REQUIRE(count == 1);
  }
}

TEST_CASE("progress counts up by one, and nothing to do is fine") {
  std::size_t last = 0;
  bool steady = true;
  for_each_index(
      100, 3, [](std::size_t) {}, [&](std::size_t n) { steady = steady && n == last + 1, last = n; });
  CHECK(steady);
  CHECK(last == 100);
  for_each_index(0, 4, [](std::size_t) { FAIL("there is no index"); });
}

TEST_CASE("the exception of the lowest index is thrown, whatever the threads did first") {
  for (const int threads : {1, 4}) {
    try {
      for_each_index(64, threads, [](std::size_t i) {
        if (i % 10 == 3) throw std::runtime_error(std::to_string(i));
      });
      FAIL("nothing was thrown");
    } catch (const std::runtime_error& error) {
      CHECK(std::string(error.what()) == "3");
    }
  }
}

TEST_CASE("once stop is set no further index is begun") {
  std::atomic<bool> stop{false};
  std::atomic<int> worked{0};
  for_each_index(
      1000, 2,
      [&](std::size_t) {
        if (++worked == 10) stop = true;
      },
      {}, &stop);
  CHECK(worked < 20);
}
