#include "validate/measure/harness/plan.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "validate/measure/harness/csv.h"

using namespace sparsesim::measure;

namespace {

std::string mistakes_of(const std::string& text) {
  try {
    read_plan_text(text, "p.csv");
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a plan is read back as it was written") {
  PlanRow row;
  row.id = "a, with \"quotes\"";
  row.device = "here";
  row.devices = 2;
  row.op = "spmm";
  row.m = 64;
  row.k = 1024;
  row.dtype = "fp32";
  row.pattern = "block";
  row.sparsity = 0.1 + 0.2;  // all its digits
  row.params = {{"block", "16x16"}, {"format", "bsr"}};
  row.kernel = "tuned:bsr";
  const auto back = read_plan_text(plan_text({row}), "p.csv").at(0);
  CHECK(back.id == row.id);
  CHECK(back.devices == 2);
  CHECK(back.m == 64);
  CHECK(back.n == 0);  // empty: unknown
  CHECK(back.sparsity == row.sparsity);
  CHECK(back.params == row.params);
  CHECK(back.kernel == row.kernel);
  CHECK(plan_text({back}) == plan_text({row}));
}

TEST_CASE("all mistakes of a plan are told at once, with their lines") {
  const std::string text =
      "id,device,op,m,sparsity,params\n"
      "a,d,gemm,12x,0.5,\n"
      "a,d,gemm,1,1.5,\n"
      "\n"
      "b,,gemm,0,,x\n"
      "c,d,gemm,1,,x=1;x=2,9\n"
      "e,d,gemm,99999999999,,x=1;x=2\n";
  CHECK(mistakes_of(text) ==
        "p.csv:2: error: m \"12x\" is no whole number from 1 to 2147483648\n"
        "p.csv:3: error: id \"a\" stands twice\n"
        "p.csv:3: error: sparsity \"1.5\" is no number from 0 to 1\n"
        "p.csv:5: error: device is empty\n"
        "p.csv:5: error: m \"0\" is no whole number from 1 to 2147483648\n"
        "p.csv:5: error: params: \"x\" is not name=value\n"
        "p.csv:6: error: 7 fields, the header has 6\n"
        "p.csv:7: error: m \"99999999999\" is no whole number from 1 to 2147483648\n"
        "p.csv:7: error: params: \"x\" stands twice");
}

TEST_CASE("a plan without its columns, without rows, or with broken quotes is refused") {
  CHECK(mistakes_of("id,op,time_us\na,gemm,1\n") ==
        "p.csv:1: error: unknown column \"time_us\"\np.csv:1: error: column \"device\" is missing");
  CHECK(mistakes_of("id,id,device,op\n") == "p.csv:1: error: column \"id\" stands twice");
  CHECK(mistakes_of("id,device,op\n") == "p.csv:1: error: no rows");
  CHECK(mistakes_of("") == "p.csv:1: error: no header");
  CHECK(mistakes_of("id,device,op\n\"a,b,c\n") == "p.csv:3: a quote is not closed");
  CHECK(mistakes_of("id,device,op\na\"b,c,d\n") == "p.csv:2: a quote inside a field that does not begin with one");
}

TEST_CASE("params are read as numbers, or refused by name") {
  PlanRow row;
  row.id = "r";
  row.params = {{"seq", "4096"}, {"share", "0.5"}, {"bad", "8x"}};
  CHECK(row.integer("seq", 1) == 4096);
  CHECK(row.integer("heads", 7) == 7);
  CHECK(row.number("share", 1) == 0.5);
  CHECK(row.text("bad", "") == "8x");
  CHECK_THROWS_WITH_AS(row.integer("bad", 1), "r: bad=8x is not a whole number", std::invalid_argument);
}

TEST_CASE("a kernel is asked for in full, by its name alone, or not at all") {
  PlanRow row;
  CHECK(row.wants("tuned:csr"));
  row.kernel = "csr";
  CHECK(row.wants("tuned:csr"));
  CHECK_FALSE(row.wants("library:eigen_csr"));
  row.kernel = "library:csr";
  CHECK_FALSE(row.wants("tuned:csr"));
}

TEST_CASE("fields with commas, quotes and line ends survive") {
  const std::vector<std::string> fields = {"a,b", "say \"x\"", "two\nlines", "", "plain"};
  CHECK(read_csv(csv_line(fields)).at(0).fields == fields);
  CHECK(read_csv("a,b\r\nc,d\r\n").at(1).fields == std::vector<std::string>{"c", "d"});
  CHECK(read_csv("a\n\n\nb").at(1).line == 4);
}
