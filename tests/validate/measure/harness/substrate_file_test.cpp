// The text that backends write; that the reader takes it is tested with the whole program.
#include "validate/measure/harness/substrate_file.h"

#include <doctest/doctest.h>

using namespace sparsesim::measure;

namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("numbers of one group stand under one heading, whatever the order they come in") {
  SubstrateFile file("mine", "My machine", "base-machine");
  file.number("memory.line", {64, 0, 0, 0, 0, 0}, "B");
  file.number("compute.clock", {3, 2.5, 3.5, 2.9, 33, 3}, "GHz", "all cores");
  file.number("memory.dram.latency", {100, 0, 0, 0, 0, 0}, "ns");
  const std::string text = file.text();
  CHECK(holds(text, "name: \"mine\"\ntitle: \"My machine\"\nbase: \"base-machine\"\n"));
  CHECK(holds(text,
              "compute:\n  clock: {value: 3 GHz, kind: measured, source: this-machine, low: 2.5 GHz, high: 3.5 GHz, "
              "note: \"all cores; median 2.9 GHz, 33 samples in 3 visits\"}\n"));
  CHECK(holds(text,
              "memory:\n  dram:\n    latency: {value: 100 ns, kind: measured, source: this-machine}\n"
              "  line: {value: 64 B, kind: measured, source: this-machine}\n"));
  CHECK(text.find("memory:") == text.rfind("memory:"));
}

TEST_CASE("a range always holds its value") {
  SubstrateFile file("mine", "", "");
  file.number("compute.clock", {3, 3.2, 2.8, 0, 0, 0}, "GHz");
  CHECK(holds(file.text(), "low: 3 GHz, high: 3 GHz"));
}

TEST_CASE("texts are quoted so that YAML reads them back") {
  CHECK(yaml_quoted("a \"b\" \\ c: d, e") == "\"a \\\"b\\\" \\\\ c: d, e\"");
  CHECK(yaml_quoted("two\nlines") == "\"two lines\"");
}

TEST_CASE("whole numbers keep every digit") {
  CHECK(yaml_number(33554432) == "33554432");
  CHECK(yaml_number(0) == "0");
  CHECK(yaml_number(1234.5678) == "1234.57");
  CHECK(yaml_number(1e-12) == "1e-12");
}

TEST_CASE("the head holds granules, curves and what is missing; an empty text has no key") {
  SubstrateFile file("mine", "", "base-machine");
  file.head("cuda", "a device", "2026-11-21", "");
  file.version("driver", "550");
  file.missing("power", "no counters");
  file.granule({"cache line", 128, "B", {2e-9, 1e-9, 3e-9, 0, 0, 0}, ""});
  file.curve({"latency", "", "B", "ns", {{1024, 1, 2, 3}}});
  const std::string text = file.text();
  CHECK(holds(text, "fingerprint:\n  backend: cuda\n  date: \"2026-11-21\"\n  device: \"a device\"\n  versions:\n"));
  CHECK_FALSE(holds(text, "clock:"));
  CHECK_FALSE(holds(text, "remark"));
  CHECK_FALSE(holds(text, "\"\""));
  CHECK(holds(text, "size: 128, unit: \"B\""));
  CHECK(holds(text, "cost: {value: 2 ns, kind: measured, source: this-machine, low: 1 ns, high: 3 ns}"));
  CHECK(holds(text, "- [1024, 1, 2, 3]\n"));
  CHECK(holds(text, "\"power\": \"no counters\""));
}

TEST_CASE("constants in place of the library's are kept by kernel") {
  SubstrateFile file("mine", "", "base-machine");
  file.kernel_constant("onednn", "start_us", {0.5, 0, 0, 0, 0, 0}, "us");
  file.kernel_constant("onednn", "rate", {0.8, 0, 0, 0, 0, 0}, "");
  CHECK(holds(file.text(),
              "kernels:\n  \"onednn\":\n    rate: {value: 0.8, kind: measured, source: this-machine}\n"
              "    start_us: {value: 0.5 us, kind: measured, source: this-machine}\n"));
}

TEST_CASE("the citation names backend, device, date and versions") {
  SubstrateFile file("mine", "", "base-machine");
  file.head("cpu", "a processor", "2026-11-21", "3 GHz");
  file.version("oneDNN", "2.6.3");
  CHECK(holds(file.text(),
              "this-machine: \"sparsesim fingerprint --backend cpu on a processor, 2026-11-21, oneDNN "
              "2.6.3; clock: 3 GHz\""));
}
