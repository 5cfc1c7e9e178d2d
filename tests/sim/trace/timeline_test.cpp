#include "sim/trace/timeline.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

using namespace sparsesim;

TEST_CASE("a timeline parses as JSON and keeps names, tracks and picoseconds") {
  Timeline timeline;
  timeline.name_process(3, "device 3");
  timeline.name_thread(3, 1, "SM 0");
  timeline.add({"ffn \"gate\"\n", "task", 3, 1, Time{1'000'001}, Time{2'500'000}});
  std::ostringstream out;
  timeline.write(out);
  const auto trace = nlohmann::json::parse(out.str());
  const auto& events = trace.at("traceEvents");
  REQUIRE(events.size() == 3);
  CHECK(events[0].at("args").at("name") == "device 3");
  CHECK(events[2].at("name") == "ffn \"gate\"\n");
  CHECK(events[2].at("ts").get<double>() == doctest::Approx(1.000001).epsilon(1e-12));
  CHECK(events[2].at("dur").get<double>() == doctest::Approx(2.5).epsilon(1e-12));
}

TEST_CASE("an empty timeline is a valid trace without events") {
  std::ostringstream out;
  Timeline{}.write(out);
  CHECK(nlohmann::json::parse(out.str()).at("traceEvents").empty());
}
