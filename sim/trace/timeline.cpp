#include "sim/trace/timeline.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace sparsesim {

namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Microseconds with all six picosecond digits, without a detour through floating point.
std::string microseconds(Time time) { return fmt::format("{}.{:06d}", time.ps / 1'000'000, time.ps % 1'000'000); }

std::string details_json(const Span& span) {
  std::string out;
  for (const auto& [what, text] : span.details)
    out += fmt::format("{}{}:{}", out.empty() ? ",\"args\":{" : ",", quoted(what), quoted(text));
  return out.empty() ? out : out + "}";
}

}  // namespace

void Timeline::name_process(int process, std::string name) { processes_.push_back({process, 0, std::move(name)}); }

void Timeline::name_thread(int process, int thread, std::string name) {
  threads_.push_back({process, thread, std::move(name)});
}

void Timeline::write(std::ostream& out) const {
  const char* separator = "\n";
  auto emit = [&](const std::string& line) {
    out << separator << line;
    separator = ",\n";
  };
  out << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  for (const auto& track : processes_)
    emit(fmt::format(R"({{"ph":"M","name":"process_name","pid":{},"args":{{"name":{}}}}})", track.process,
                     quoted(track.name)));
  for (const auto& track : threads_)
    emit(fmt::format(R"({{"ph":"M","name":"thread_name","pid":{},"tid":{},"args":{{"name":{}}}}})", track.process,
                     track.thread, quoted(track.name)));
  for (const auto& span : spans_)
    emit(fmt::format(R"({{"ph":"X","name":{},"cat":"{}","pid":{},"tid":{},"ts":{},"dur":{}{}}})", quoted(span.name),
                     span.category, span.process, span.thread, microseconds(span.start), microseconds(span.duration),
                     details_json(span)));
  out << "\n]}\n";
}

}  // namespace sparsesim
