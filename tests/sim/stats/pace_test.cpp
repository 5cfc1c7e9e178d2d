// What a bar says of the time that is left.
#include "sim/stats/pace.h"

#include <doctest/doctest.h>

using namespace sparsesim;

TEST_CASE("a steady pace is its rate, and the rest takes the rest over it") {
  Pace pace;
  CHECK(pace.text(100).empty());
  for (int second = 0; second <= 20; ++second) pace.add(second, 50 * second);
  CHECK(*pace.rate() == 50);
  CHECK(pace.text(6000) == "50/s, 2 min left");
}

TEST_CASE("what was done at once at the start is soon forgotten") {
  Pace pace;
  pace.add(0, 0);
  pace.add(0.5, 100000);  // were there before
  CHECK_FALSE(pace.rate());
  for (int second = 1; second <= 40; ++second) pace.add(second, 100000 + 2 * second);
  CHECK(*pace.rate() == doctest::Approx(2));
  CHECK(pace.text(120) == "2.0/s, 60 s left");
}

TEST_CASE("nothing done is no rate") {
  Pace pace;
  pace.add(0, 5);
  pace.add(10, 5);
  CHECK_FALSE(pace.rate());
}

TEST_CASE("durations are as short as they are exact enough") {
  CHECK(short_duration(3.2) == "3 s");
  CHECK(short_duration(600) == "10 min");
  CHECK(short_duration(2 * 3600 + 300) == "2 h 5 min");
  CHECK(short_duration(3 * 86400 + 7200) == "3 d 2 h");
}
