#include "validate/compare/measurements.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace sparsesim;

namespace {

const std::string kHeader =
    "id,device,devices,op,m,n,k,dtype,pattern,sparsity,params,kernel,baseline,time_us,baseline_us,speedup,source,"
    "note\n";

/// The messages that reading `text` reports, one "line:column: message" each.
std::vector<std::string> mistakes_of(const std::string& text) {
  config::Diagnostics diagnostics;
  read_measurements_text(text, "some.csv", diagnostics);
  std::vector<std::string> out;
  for (const auto& mistake : diagnostics.mistakes())
    out.push_back(std::to_string(mistake.position.line) + ":" + std::to_string(mistake.position.column) + ": " +
                  mistake.message);
  return out;
}

bool starts(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }

/// Checks that `text` has exactly one mistake, beginning like this.
void check_mistake(const std::string& text, const std::string& begins) {
  const auto mistakes = mistakes_of(text);
  CAPTURE(begins);
  REQUIRE(mistakes.size() == 1);
  CHECK_MESSAGE(starts(mistakes[0], begins), mistakes[0]);
}

}  // namespace

TEST_CASE("a row keeps every column") {
  config::Diagnostics diagnostics;
  const auto file = read_measurements_text(kHeader +
                                               "a-1,h100,8,attention,1,2,3,bf16,window,0.5,seq=1536;causal=1,library:"
                                               "fa3,\"same, no window\",18.5,37.0,1.9,here,n\n",
                                           "dir/some.csv", diagnostics);
  diagnostics.throw_if_any();
  CHECK(file.name == "some.csv");
  REQUIRE(file.rows.size() == 1);
  const Measurement& row = file.rows[0];
  CHECK(row.id == "a-1");
  CHECK(row.device == "h100");
  CHECK(row.op.devices == 8);
  CHECK(row.op.op == "attention");
  CHECK(row.op.m == 1);
  CHECK(row.op.n == 2);
  CHECK(row.op.k == 3);
  CHECK(row.op.dtype == "bf16");
  CHECK(row.op.pattern == "window");
  CHECK(*row.op.sparsity == 0.5);
  CHECK(row.op.params == std::map<std::string, std::string>{{"seq", "1536"}, {"causal", "1"}});
  CHECK(row.op.kernel == "library:fa3");
  CHECK(row.baseline == "same, no window");
  CHECK(*row.time_us == 18.5);
  CHECK(*row.baseline_us == 37.0);
  CHECK(*row.measured_speedup() == 1.9);
  CHECK(row.source == "here");
  CHECK(row.note == "n");
}

TEST_CASE("empty means unknown, and columns may be left out or reordered") {
  config::Diagnostics diagnostics;
  const auto file = read_measurements_text("time_us,op,id,device,baseline_us\n5,gemm,x,a100,\n4,gemm,y,a100,12\n",
                                           "some.csv", diagnostics);
  diagnostics.throw_if_any();
  REQUIRE(file.rows.size() == 2);
  CHECK(file.rows[0].op.pattern == "dense");
  CHECK(file.rows[0].op.devices == 1);
  CHECK_FALSE(file.rows[0].op.sparsity);
  CHECK_FALSE(file.rows[0].has_twin());
  CHECK_FALSE(file.rows[0].measured_speedup());
  CHECK(file.rows[1].has_twin());
  CHECK(*file.rows[1].measured_speedup() == 12.0 / 4.0);
}

TEST_CASE("a column that nobody knows is an error at its place, with the nearest known name") {
  config::Diagnostics diagnostics;
  read_measurements_text("id,device,op,time_us,basline_us\nx,a100,gemm,1,2\n", "some.csv", diagnostics);
  REQUIRE(diagnostics.mistakes().size() == 1);
  const auto& mistake = diagnostics.mistakes()[0];
  CHECK(mistake.position.line == 1);
  CHECK(mistake.position.column == 22);
  CHECK(mistake.message == "unknown column \"basline_us\"");
  CHECK(starts(mistake.hint, "did you mean \"baseline_us\"?"));
  CHECK(starts(mistake.excerpt, "id,device"));
}

TEST_CASE("a header names each column once and has the ones every row needs") {
  check_mistake("id,device,op,time_us,id\nx,a,gemm,1,y\n", "1:22: column \"id\" is given twice");
  check_mistake("id,device,op\nx,a,gemm\n", "1:1: the column \"time_us\" is missing");
}

TEST_CASE("a row may name every op that a workload may") {
  const auto names = measured_op_names();
  for (const char* op : {"gemm", "embedding_bag", "structured_matrix", "moe_training", "gather_reduce", "model"})
    CHECK_MESSAGE(std::count(names.begin(), names.end(), std::string_view(op)) == 1, op);
}

TEST_CASE("each bad value is reported where it stands") {
  const std::string header = "id,device,op,m,sparsity,params,time_us,devices\n";
  check_mistake(header + "x,a,gem,1,0,,1,1\n", "2:5: unknown op \"gem\"");
  check_mistake(header + "x,a,gemm,1.5,0,,1,1\n", "2:10: m must be a whole number");
  check_mistake(header + "x,a,gemm,0,0,,1,1\n", "2:10: m must be a whole number");
  check_mistake(header + "x,a,gemm,99999999999999999999,0,,1,1\n", "2:10: m must be a whole number");
  check_mistake(header + "x,a,gemm,1,1.5,,1,1\n", "2:12: sparsity must be a number from 0 to 1");
  check_mistake(header + "x,a,gemm,1,0,,0,1\n", "2:15: time_us must be a number above 0");
  check_mistake(header + "x,a,gemm,1,0,,nan,1\n", "2:15: time_us must be a number above 0, not \"nan\"");
  check_mistake(header + "x,a,gemm,1,0,,inf,1\n", "2:15: time_us must be a number above 0");
  check_mistake(header + "x,a,gemm,1,0,,12us,1\n", "2:15: time_us must be a number above 0");
  check_mistake(header + "x,a,gemm,1,0,,-3,1\n", "2:15: time_us must be a number above 0");
  check_mistake(header + "x,a,gemm,1,0,,1,0\n", "2:17: devices must be a whole number");
  check_mistake(header + "x,,gemm,1,0,,1,1\n", "2:3: device is empty");
  check_mistake(header + ",a,gemm,1,0,,1,1\n", "2:1: id is empty");
}

TEST_CASE("params are name=value pairs, each name once") {
  const std::string header = "id,device,op,params,time_us\n";
  CHECK(mistakes_of(header + "x,a,gemm,a=1;b=x=y;,1\n").empty());
  check_mistake(header + "x,a,gemm,a,1\n", "2:10: params: expected name=value, got \"a\"");
  check_mistake(header + "x,a,gemm,=1,1\n", "2:10: params: expected name=value, got \"=1\"");
  check_mistake(header + "x,a,gemm,a=,1\n", "2:10: params: expected name=value, got \"a=\"");
  check_mistake(header + "x,a,gemm,a=1;a=2,1\n", "2:10: params: \"a\" is given twice");
}

TEST_CASE("rows have as many fields as the header, a unique id and something measured") {
  const std::string header = "id,device,op,time_us,speedup\n";
  check_mistake(header + "x,a,gemm,1\n", "2:10: 4 fields where the header has 5 columns");
  check_mistake(header + "x,a,gemm,1,2,3\n", "2:14: 6 fields where the header has 5 columns");
  check_mistake(header + "x,a,gemm,1,2\nx,a,gemm,1,2\n", "3:1: id \"x\" is given twice");
  check_mistake(header + "x,a,gemm,,\n", "2:1: row \"x\" has neither time_us nor speedup");
  CHECK(mistakes_of(header + "x,a,gemm,,2\n").empty());
}

TEST_CASE("all mistakes of a file come in one pass") {
  CHECK(mistakes_of("id,device,op,time_us\nx,a,gem,-1\nx,a,gemm,zero\n").size() == 4);
}

TEST_CASE("texts that are no measurements are refused") {
  check_mistake("", "0:0: the file is empty");
  check_mistake("\n\n", "0:0: the file is empty");
  check_mistake(kHeader, "0:0: no rows below the header");
  check_mistake("id\n\xFF\xFE", "2:1: byte 0xFF is not UTF-8 text");
  check_mistake(std::string("id\0,", 4), "1:3: control character 0x00");
  CHECK(mistakes_of("id,device,op,time_us\n\"x,a,gemm,1\n")[0] == "2:1: this quote is never closed");
  CHECK(mistakes_of("id,device,op,time_us\n\"x\"y,a,gemm,1\n")[0] == "2:4: text after the closing quote");
  CHECK(mistakes_of("id,device,op,time_us\nx\"y,a,gemm,1\n")[0] == "2:2: a quote inside a field");
  CHECK(mistakes_of(std::string(100'000, ','))[0].find("more than 256 fields") != std::string::npos);
}

TEST_CASE("files that cannot be read are named, all of them") {
  try {
    read_measurements({"/no/such/a.csv", "/"});
    FAIL("no error");
  } catch (const config::ConfigError& error) {
    REQUIRE(error.mistakes().size() == 2);
    CHECK(error.mistakes()[0].position.file == "/no/such/a.csv");
    CHECK(error.mistakes()[1].position.file == "/");
  }
}
