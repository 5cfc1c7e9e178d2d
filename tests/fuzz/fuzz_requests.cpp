// Any text is requests in order of arrival, or mistakes with a place; any law of lengths draws what a request may have.

#include <cstdlib>

#include "models/serving/lengths.h"
#include "models/serving/request_trace.h"

using namespace sparsesim;

namespace {

bool may_be(std::int64_t tokens) { return tokens >= 1 && tokens <= kRequestTokensMost; }

void read_trace(std::string_view text) {
  config::Diagnostics diagnostics;
  const auto requests = parse_request_trace(text, "fuzz", 1000, diagnostics);
  for (const config::Mistake& mistake : diagnostics.mistakes())
    if (mistake.position.line < 1 || mistake.position.column < 1) std::abort();
  if (requests.size() > 1000) std::abort();
  Time before;
  for (const Request& request : requests) {
    if (request.arrival < before || !may_be(request.input) || !may_be(request.output)) std::abort();
    before = request.arrival;
    if (request.prefix.tokens < 0 || request.prefix.tokens > request.input || request.prefix.id < 0) std::abort();
  }
}

void draw_lengths(std::string_view text) {
  const auto law = parse_token_law(text);
  if (!law) return;
  RandomStream random(1);
  for (int i = 0; i < 10; ++i)
    if (!may_be(law->draw(random))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_trace(text);
  draw_lengths(text);
  return 0;
}
