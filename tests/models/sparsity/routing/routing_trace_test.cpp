// Recorded routes in every format: the same tokens count the same, and mistakes have a place.

#include "models/sparsity/routing/routing_trace.h"

#include <doctest/doctest.h>

#include <string>

using namespace sparsesim;

namespace {

using Counts = std::vector<std::int64_t>;
using Parser = Counts (*)(std::string_view, const std::string&, const RoutingSize&, const TracePart&,
                          config::Diagnostics&);

const RoutingSize kSize{2, 4, 2};  // 2 tokens, 4 experts, top 2
const Counts kWanted{1, 1, 0, 2};  // token 0: experts 1 and 3; token 1: experts 3 and 0

Counts parse(Parser parser, const std::string& text, const TracePart& part = {}) {
  config::Diagnostics diagnostics;
  const Counts counts = parser(text, "t", kSize, part, diagnostics);
  diagnostics.throw_if_any();
  return counts;
}

void fails(Parser parser, const std::string& text, const char* message, const TracePart& part = {}) {
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(parse(parser, text, part), doctest::Contains(message), config::ConfigError);
}

}  // namespace

TEST_CASE("the same routes count the same in every format") {
  CHECK(parse(parse_trace_csv, "0,1,3\n1,3,0\n") == kWanted);
  CHECK(parse(parse_trace_csv, "token,e0,e1\n0,1,3\n1,3,0\n") == kWanted);
  CHECK(parse(parse_trace_csv, "layer,e0,e1\n5,1,3\n5,3,0\n") == kWanted);
  CHECK(parse(parse_trace_csv, "layer,expert\n5,1\n5,3\n5,3\n5,0\n") == kWanted);
  CHECK(parse(parse_trace_jsonl, R"({"layer": 5, "experts": [[1, 3], [3, 0]]})") == kWanted);
  CHECK(parse(parse_trace_jsonl, "{\"rank\": 0, \"experts\": [[1, 3]]}\n\n{\"rank\": 1, \"experts\": [[3, 0]]}\n") ==
        kWanted);
  CHECK(parse(parse_trace_jsonl, R"({"tokens_per_expert": [1, 1, 0, 2]})") == kWanted);
  config::Diagnostics none;
  CHECK(count_trace_array({2, 2}, {1, 3, 3, 0}, "t", kSize, {}, none) == kWanted);
  CHECK(count_trace_array({3, 2, 2}, {0, 1, 0, 1, 1, 3, 3, 0, 9, 9, 9, 9}, "t", kSize, {1, -1}, none) == kWanted);
  none.throw_if_any();
}

TEST_CASE("of several layers and steps one counts, and a trace that has several must be told which") {
  const std::string csv = "step,layer,a,b\n0,0,0,1\n0,5,1,3\n1,5,3,2\n0,5,3,0\n";
  CHECK(parse(parse_trace_csv, csv, {5, 0}) == kWanted);
  fails(parse_trace_csv, csv, "t:3:3: error: layer 5 here, 0 before: trace_layer says which counts");
  fails(parse_trace_csv, csv, "the trace has 1 tokens", {5, 1});
  const std::string lines =
      "{\"step\":0,\"layer\":0,\"experts\":[[0,1]]}\n{\"step\":0,\"layer\":5,\"experts\":[[1,3],[3,0]]}\n";
  CHECK(parse(parse_trace_jsonl, lines, {5, 0}) == kWanted);
  fails(parse_trace_jsonl, lines, "t:2:1: error: layer 5 here, 0 before: trace_layer says which counts");
  fails(parse_trace_jsonl, R"({"experts": [[1, 3], [3, 0]]})", "no layer here", {5, -1});
}

TEST_CASE("JSON Lines: every mistake has its line, and a broken text its column") {
  fails(parse_trace_jsonl, "{\"experts\": [[1, 3], [3, 0]}", "t:1:28: error: not valid JSON");
  fails(parse_trace_jsonl, "\n[1, 3]", "t:2:1: error: a line of a trace is an object");
  fails(parse_trace_jsonl, R"({"experts": [[1, 4]]})", "expert 4 of a layer with 4");
  fails(parse_trace_jsonl, R"({"experts": [[1, 1]]})", "expert 1 twice");
  fails(parse_trace_jsonl, R"({"experts": [[1]]})", "1 experts for a token, top_k is 2");
  fails(parse_trace_jsonl, R"({"experts": [[1, -1]]})", "expert -1 of a layer");
  fails(parse_trace_jsonl, R"({"experts": [[1, 1.5]]})", "an expert is a number");
  fails(parse_trace_jsonl, R"({"experts": [[1, 99999999999999999999]]})", "an expert is a number");
  fails(parse_trace_jsonl, R"({"experts": 3})", "a list of experts for each token");
  fails(parse_trace_jsonl, R"({"layer": 1})", "either experts or tokens_per_expert");
  fails(parse_trace_jsonl, R"({"layer": "a", "experts": []})", "layer is not a number");
  fails(parse_trace_jsonl, R"({"tokens_per_expert": [1, 1, 0, 2, 0]})", "expert 4 of a layer with 4");
  fails(parse_trace_jsonl, R"({"tokens_per_expert": [3, 1, 0, 0]})", "an expert serves 3 of 2 tokens");
  fails(parse_trace_jsonl, R"({"tokens_per_expert": [1, 1, 1, 0]})", "3 choices are no whole tokens of top_k 2");
  fails(parse_trace_jsonl, "", "t:1:1: error: the trace has 0 tokens, the layer 2");
  fails(parse_trace_jsonl, std::string(5 << 20, '['), "a line of 5242880 bytes");
}

TEST_CASE("arrays: shapes and experts that do not fit are named") {
  const auto problem = [](const std::vector<std::int64_t>& shape, const Counts& ids, const TracePart& part = {}) {
    config::Diagnostics diagnostics;
    count_trace_array(shape, ids, "t.npy", kSize, part, diagnostics);
    REQUIRE(!diagnostics.empty());
    return diagnostics.mistakes().front().message;
  };
  CHECK(problem({4}, {1, 3, 3, 0}) == "an array of shape [4]; a trace is [tokens, 2] or [layers, tokens, 2]");
  CHECK(problem({1, 3}, {1, 3, 0}) == "an array of shape [1, 3]; a trace is [tokens, 2] or [layers, tokens, 2]");
  CHECK(problem({2, 1, 2}, {1, 3, 3, 0}) == "the trace has 2 layers: trace_layer says which");
  CHECK(problem({2, 1, 2}, {1, 3, 3, 0}, {2, -1}) == "the trace has 2 layers, trace_layer is 2");
  CHECK(problem({2, 2}, {1, 3, 3, 4}) == "token 1: expert 4 of a layer with 4 (counted from 0)");
  CHECK(problem({2, 2}, {1, 3, 3, -1}) == "token 1: expert -1 of a layer with 4 (counted from 0)");
  CHECK(problem({1, 2}, {1, 3}) == "the trace has 1 tokens, the layer 2");
  CHECK(problem({2, 2}, {1, 3, 3, 0}, {-1, 1}) == "an array has no steps");
}

TEST_CASE("the extension says how a trace is read; others are refused with the known ones") {
  config::Diagnostics diagnostics;
  CHECK_THROWS_WITH_AS(read_routing_trace("routes.txt", kSize, {}, diagnostics),
                       doctest::Contains("known: .csv, .jsonl, .json, .npy"), config::ConfigError);
  for (const TraceFormat& format : trace_formats())
    CHECK_THROWS_AS(read_routing_trace("no_such" + std::string(format.extension), kSize, {}, diagnostics),
                    config::ConfigError);
}
