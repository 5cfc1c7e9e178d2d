#include "models/explore/axis.h"

#include <doctest/doctest.h>

namespace sparsesim {
namespace {

Axis axis_of(const std::string& text) {
  config::Diagnostics diagnostics;
  Axis axis = Axis::read(text, "path", {"--over", 0, 0}, diagnostics);
  diagnostics.throw_if_any();
  return axis;
}

}  // namespace

TEST_CASE("whole ends make an axis of whole numbers, scanned evenly or in equal ratios") {
  const Axis linear = axis_of("1:4096"), logarithmic = axis_of("1:4096:log");
  for (const Axis& axis : {linear, logarithmic}) {
    CHECK(axis.size() == 4096);
    CHECK(axis.at(0) == "1");
    CHECK(axis.at(4095) == "4096");
    CHECK(axis.scan(13).front() == 0);
    CHECK(axis.scan(13).back() == 4095);
  }
  CHECK(logarithmic.scan(13)[6] == 63);        // 2^6 begins at 1
  CHECK(linear.scan(3)[1] == 2048);            // the middle, 2047.5, rounded
  CHECK(axis_of("3:7").scan(17).size() == 5);  // no position twice
}

TEST_CASE("real axes step by a power of ten that is at most a thousandth of the range") {
  const Axis axis = axis_of("0.5:0.98");
  CHECK(axis.size() == 4801);
  CHECK(axis.at(1) == "0.5001");
  CHECK(axis.at(4800) == "0.98");
  CHECK(axis_of("0.123456:1.5").at(axis_of("0.123456:1.5").size() - 1) == "1.5");  // the last step is shorter
  const Axis ratios = axis_of("0.01:100.0:log");
  CHECK(ratios.at(500) == "1");
  CHECK(ratios.at(ratios.size() - 1) == "100");
  CHECK(axis_of("1 TB/s:3 TB/s").at(1000) == "2 TB/s");
}

TEST_CASE("a name stays in front of a range, and lists are taken as they are") {
  CHECK(axis_of("zipf:0.5:1.5").at(0) == "zipf:0.5");
  CHECK(axis_of("zipf:0.5:1.5").at(500) == "zipf:1");
  CHECK(axis_of("2:4,1:4").listed());
  CHECK(axis_of("2:4,1:4").values() == std::vector<std::string>{"2:4", "1:4"});
  CHECK(axis_of("[16, 16],[32, 32]").values() == std::vector<std::string>{"[16,16]", "[32,32]"});
  CHECK(axis_of("unstructured").size() == 1);
  CHECK(axis_of("16,32").scan(17) == std::vector<std::int64_t>{0, 1});
}

TEST_CASE("ranges that are none are refused") {
  for (const char* text : {"2:1", "1:1", "0:1:2", "0.0:1.0:log", "1:2:lgo", "1 GB/s:2", "-1:5:log",
                           "1:9999999999999999", "1:nan", "0.5:"}) {
    CAPTURE(std::string(text));
    CHECK_THROWS_AS(axis_of(text), config::ConfigError);
  }
}

}  // namespace sparsesim
