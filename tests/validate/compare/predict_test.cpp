#include "validate/compare/predict.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "validate/compare/report.h"

using namespace sparsesim;

namespace {

const std::string kRows =
    "id,device,devices,op,m,n,k,dtype,pattern,params,time_us,baseline_us\n"
    "r-1,a100,1,gemm,64,1024,512,bf16,dense,,5,\n"
    "r-2,a100-sxm4-80gb,1,gemm,4096,4096,4096,bf16,dense,,600,\n"
    "r-3,no-such-machine,1,gemm,64,64,64,bf16,dense,,5,\n"
    "r-4,a100,1,spmm,64,64,64,bf16,unstructured,,5,6\n"
    "r-5,a100,64,all_reduce,,,,bf16,dense,bytes=1024,10,\n"
    "r-6,h100,1,attention,,,,bf16,window,batch=1;seq=4096;heads=8;kv_heads=8;head_dim=128;causal=1;window=128,20,60\n"
    "r-7,a100,8,all_reduce,,,,bf16,dense,bytes=1048576,30,\n"
    "r-8,a100,1,gemm,,64,64,bf16,dense,,5,\n";

Comparison compare(const std::string& text, int threads) {
  config::Diagnostics diagnostics;
  const MeasurementFile file = read_measurements_text(text, "some.csv", diagnostics);
  diagnostics.throw_if_any();
  std::vector<const Measurement*> rows;
  for (const auto& row : file.rows) rows.push_back(&row);
  SubstrateCache substrates({{SPARSESIM_SOURCE_DIR "/substrates"}});
  PredictOptions options;
  options.threads = threads;
  auto predictions = predict_rows(rows, substrates, options);
  explain_rows(rows, predictions, {1, 5}, substrates, options);
  Comparison out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    predictions[i].seconds = 0;
    out.rows.push_back({file.name, file.rows[i], predictions[i]});
  }
  out.summary = summarise_groups(out.rows);
  for (const auto& substrate : substrates.loaded()) out.substrates.push_back(substrate->name);
  return out;
}

}  // namespace

TEST_CASE("a row that cannot be simulated is named with its reason, and the others are simulated") {
  const Comparison c = compare(kRows, 1);
  REQUIRE(c.rows.size() == 8);
  const std::vector<bool> fails{false, false, true, true, true, false, false, true};
  for (std::size_t i = 0; i < fails.size(); ++i) {
    const auto& p = c.rows[i].predicted;
    CAPTURE(c.rows[i].measured.id);
    CAPTURE(p.reason);
    CHECK(p.failed == fails[i]);
    CHECK(p.reason.empty() == !fails[i]);
    CHECK((p.time_us > 0) == !fails[i]);
  }
  CHECK(c.rows[2].predicted.reason.find("no-such-machine") != std::string::npos);
  CHECK(c.rows[3].predicted.reason.find("spmm") != std::string::npos);
  CHECK(c.summary[0].failed == 4);
}

TEST_CASE("only a row with a dense twin has a speedup, and skipping blocks makes a window faster") {
  const Comparison c = compare(kRows, 1);
  CHECK_FALSE(c.rows[1].predicted.speedup);
  REQUIRE(c.rows[5].predicted.speedup);
  CHECK(*c.rows[5].predicted.speedup > 1.0);
  CHECK_FALSE(c.rows[5].predicted.largest_loss.empty());
  CHECK(c.rows[0].predicted.largest_loss.empty());
}

TEST_CASE("an alias and the name it stands for are one machine") {
  CHECK(compare(kRows, 1).substrates == std::vector<std::string>{"a100-sxm4-80gb", "h100-sxm5-80gb"});
}

TEST_CASE("every output is the same bytes on one thread and on five") {
  const Comparison one = compare(kRows, 1), five = compare(kRows, 5);
  CHECK(comparison_json(one) == comparison_json(five));
  CHECK(comparison_csv(one) == comparison_csv(five));
  CHECK(comparison_table(one) == comparison_table(five));
  CHECK(accuracy_markdown(one) == accuracy_markdown(five));
}

TEST_CASE("the accuracy page names what no row measures") {
  const std::string page = accuracy_markdown(compare(kRows, 1));
  const std::size_t begin = page.find("No row scores"), end = page.find("\n\n", begin);
  REQUIRE(begin != std::string::npos);
  const std::string unmeasured = page.substr(begin, end - begin);
  CHECK(unmeasured.find("`model`") != std::string::npos);
  CHECK(unmeasured.find("`embedding_bag`") != std::string::npos);
  CHECK(unmeasured.find("`gemm`") == std::string::npos);
  CHECK(unmeasured.find("`attention`") == std::string::npos);
}

TEST_CASE("a raised flag stops the work") {
  config::Diagnostics diagnostics;
  const MeasurementFile file = read_measurements_text(kRows, "some.csv", diagnostics);
  const std::atomic<bool> stop{true};
  SubstrateCache substrates({{SPARSESIM_SOURCE_DIR "/substrates"}});
  PredictOptions options;
  options.stop = &stop;
  CHECK_THROWS_AS(predict_rows({&file.rows[0]}, substrates, options), Interrupted);
}

TEST_CASE("the JSON object has the documented keys, and null where nothing is known") {
  const auto json = nlohmann::json::parse(comparison_json(compare(kRows, 1)));
  for (const char* key : {"file", "op", "pattern", "device", "rows", "failed", "time_mape", "time_median_ape",
                          "time_p90_ape", "speedup_mape", "sign_accuracy", "rank_correlation", "seconds"})
    CHECK_MESSAGE(json["summary"][0].contains(key), key);
  for (const char* key : {"id", "device", "op", "pattern", "predicted_us", "measured_us", "predicted_speedup",
                          "measured_speedup", "largest_loss", "bound", "reason"})
    CHECK_MESSAGE(json["rows"][0].contains(key), key);
  CHECK(json["summary"][0]["device"] == "*");
  CHECK(json["summary"][0]["rows"] == 8);
  CHECK(json["rows"][2]["predicted_us"].is_null());
  CHECK(json["rows"][2]["reason"].is_string());
  CHECK(json["rows"][1]["predicted_us"].is_number());
  CHECK(json["rows"][1]["reason"].is_null());
  CHECK(json.contains("fitted"));
  CHECK(json.contains("provenance"));
}

TEST_CASE("a fitted constant is listed with its unit and the rows it was fitted to; others are not") {
  Substrate substrate;
  substrate.name = "toy";
  substrate.memory.dram_achieved.value = 1.5e12;
  substrate.memory.dram_achieved.kind = Provenance::fitted;
  substrate.memory.dram_achieved.source = "rows";
  substrate.memory.dram_achieved.fitted_to = "odd ids of some.csv";
  substrate.memory.dram_peak.value = 2e12;
  substrate.memory.dram_peak.kind = Provenance::spec;
  substrate.memory.dram_peak.source = "sheet";
  const auto fitted = fitted_constants(substrate);
  REQUIRE(fitted.size() == 1);
  CHECK(fitted[0].name == "memory.dram.achieved");
  CHECK(fitted[0].value == doctest::Approx(1.5));
  CHECK(fitted[0].unit == "TB/s");
  CHECK(fitted[0].fitted_to == "odd ids of some.csv");
}
