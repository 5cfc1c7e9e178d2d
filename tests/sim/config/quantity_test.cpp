#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "sim/config/reader.h"

using namespace sparsesim::config;

TEST_CASE("Quantities: SI and binary prefixes, bits and bytes") {
  CHECK(parse_quantity("1555 GB/s", Dimension::bandwidth) == 1555e9);
  CHECK(parse_quantity("400 Gb/s", Dimension::bandwidth) == 400e9 / 8);
  CHECK(parse_quantity("2 GiB/s", Dimension::bandwidth) == 2.0 * 1024 * 1024 * 1024);
  CHECK(parse_quantity("40 MiB", Dimension::bytes) == 40.0 * 1024 * 1024);
  CHECK(parse_quantity("40 MB", Dimension::bytes) == 40e6);
  CHECK(parse_quantity("1.41 GHz", Dimension::frequency) == 1.41e9);
  CHECK(parse_quantity("1.41GHz", Dimension::frequency) == 1.41e9);
  CHECK(parse_quantity("29 cycles", Dimension::cycles) == 29.0);
  CHECK(parse_quantity("312 TFLOP/s", Dimension::flop_rate) == 312e12);
  CHECK(parse_quantity("2048 FLOP/cycle", Dimension::per_cycle) == 2048.0);
  CHECK(parse_quantity("0.43 pJ/FLOP", Dimension::energy_rate) == 0.43e-12);
  CHECK(parse_quantity("1.95 G/s", Dimension::rate) == 1.95e9);
  CHECK(parse_quantity("87 %", Dimension::share) == 0.87);
  CHECK(parse_quantity("0.87", Dimension::share) == 0.87);
  CHECK(parse_quantity("1e3 us", Dimension::time) == 1e-3);
  CHECK(parse_quantity("-5 us", Dimension::time) == -5e-6);
}

TEST_CASE("Quantities: anything but a whole number with a unit of the dimension is refused") {
  for (
      const char* text :
      {"",          " ",        "GB/s",     "1555",     "1555 GB", "1555 gb/s",         "1555 GB/s extra", "1,555 GB/s",
       "0x10 GB/s", "1e GB/s",  "nan GB/s", "inf GB/s", ".5 GB/s", "5. GB/s",           "010 GB/s",        "1e999 GB/s",
       "1 .5 GB/s", "--1 GB/s", " 1 GB/s",  "1 GB/s ",  "1\tGB/s", "1e99999999999 GB/s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_quantity(text, Dimension::bandwidth).has_value());
  }
  CHECK_FALSE(parse_quantity("12abc", Dimension::none).has_value());
  CHECK_FALSE(parse_quantity("1e308 TB", Dimension::bytes).has_value());
}

TEST_CASE("Quantities: what is written reads back to the same double, in the largest unit that keeps it >= 1") {
  CHECK(format_quantity(1.555e12, Dimension::bandwidth) == "1.555 TB/s");
  CHECK(format_quantity(40.0 * 1024 * 1024, Dimension::bytes) == "40 MiB");
  CHECK(format_quantity(32, Dimension::bytes) == "32 B");
  CHECK(format_quantity(1.41e9, Dimension::frequency) == "1.41 GHz");
  CHECK(format_quantity(2.5e-6, Dimension::time) == "2.5 us");
  CHECK(format_quantity(0, Dimension::time) == "0 s");
  CHECK(format_quantity(0.87, Dimension::share) == "0.87");
  std::uint64_t state = 12345;  // a fixed linear congruential sequence
  for (int d = 0; d <= static_cast<int>(Dimension::share); ++d) {
    const auto dimension = static_cast<Dimension>(d);
    for (int i = 0; i < 2000; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double mantissa = static_cast<double>(state >> 12) / 4503599627370496.0;
      const double value = mantissa * std::pow(10.0, static_cast<int>(state % 37) - 18) * (state % 5 == 0 ? -1 : 1);
      const std::string text = format_quantity(value, dimension);
      CAPTURE(text);
      REQUIRE(parse_quantity(text, dimension) == value);
    }
  }
}

TEST_CASE("Quantities: every unit of a dimension is accepted, and no unit of another") {
  for (int d = 1; d <= static_cast<int>(Dimension::share); ++d) {
    const auto dimension = static_cast<Dimension>(d);
    for (const std::string_view unit : units(dimension)) {
      const std::string text = "2 " + std::string(unit);
      CAPTURE(text);
      CHECK(parse_quantity(text, dimension).has_value());
      CHECK_FALSE(parse_quantity(text, Dimension::none).has_value());
    }
    CHECK_FALSE(name(dimension).empty());
  }
}

TEST_CASE("Nearest names: likely typos only") {
  const std::vector<std::string> known = {"bandwidth", "capacity", "channels", "latency"};
  CHECK(nearest("bandwith", known) == "bandwidth");
  CHECK(nearest("Latency", known) == "latency");
  CHECK(nearest("chanels", known) == "channels");
  CHECK(nearest("latnecy", known) == "latency");  // swapped neighbours are one edit
  CHECK(nearest("voltage", known).empty());
  CHECK(nearest("", known).empty());
  const std::vector<std::string> keys = {"heads", "kv_heads", "vocabulary", "head_dim", "out"};
  CHECK(nearest("num_heads", keys) == "heads");  // though "kv_heads" has fewer letters that differ
  CHECK(nearest("kv_head", keys) == "kv_heads");
  CHECK(nearest("vocab", keys) == "vocabulary");
  CHECK(nearest("output", keys) == "out");
  CHECK(nearest("ou", keys) == "out");
  CHECK(nearest("head", keys) == "heads");
  CHECK(nearest("num_key_value_heads", keys) == "kv_heads");
  CHECK(nearest("bfloat16", std::vector<std::string>{"fp32", "bf16", "fp16"}) == "bf16");
  CHECK(nearest("bfloat16", keys).empty());  // what it means is not known here
  CHECK(nearest(std::string(1 << 20, 'x'), known).empty());
}
