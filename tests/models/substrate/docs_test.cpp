// docs/substrates.md says what the reader does.
#include <doctest/doctest.h>

#include <sstream>

#include "models/substrate/reference.h"
#include "tests/models/substrate/folder.h"

using namespace sparsesim;

namespace {

std::string page() {
  std::ifstream file(SPARSESIM_SOURCE_DIR "/docs/substrates.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  REQUIRE(from != std::string::npos);
  const std::size_t start = from + begin.size();
  const std::size_t to = text.find(end, start);
  REQUIRE(to != std::string::npos);
  return text.substr(start, to - start);
}

}  // namespace

TEST_CASE("the commented example loads and changes what its comments say") {
  const Folder folder;
  const Substrate mine =
      load_substrate(folder.write("my-a100.yaml", between(page(), "```yaml\n", "```\n")), folder.search());
  const Substrate base = load_substrate("a100", folder.search());
  CHECK(mine.name == "my-a100");
  CHECK(mine.devices == 8);
  CHECK(mine.memory.l2_bandwidth == doctest::Approx(2 * base.memory.l2_bandwidth));
  CHECK(mine.compute.pipes.tensor.at("bf16").sparse == 1.7);
  CHECK(mine.compute.pipes.tensor.at("bf16").dense == base.compute.pipes.tensor.at("bf16").dense);
  CHECK(mine.kernels.size() == base.kernels.size());
  CHECK(load_substrate("a100-fast-l2", folder.search()).name == "my-a100");
}

TEST_CASE("the list of numbers is the one the reader knows") {
  CHECK(between(page(), "<!-- numbers: begin -->\n", "<!-- numbers: end -->") == substrate_reference());
}
