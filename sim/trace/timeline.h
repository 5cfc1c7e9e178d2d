#pragma once
// Writes a Chrome trace-event file that Perfetto and chrome://tracing open.

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/units.h"

namespace sparsesim {

/// A span of work on a track: process = device (or fabric), thread = stream or slot of a compute unit.
struct Span {
  std::string name;
  std::string category;  // op, kernel, task, exchange
  int process = 0;
  int thread = 0;
  Time start;
  Time duration;
  std::vector<std::pair<std::string, std::string>> details = {};  // (what, how much), for people who click on it
};

/// Spans and track names of one run. Collecting is the caller's choice: models only see a pointer that may be null.
class Timeline {
 public:
  void name_process(int process, std::string name);
  void name_thread(int process, int thread, std::string name);
  void add(Span span) { spans_.push_back(std::move(span)); }
  const std::vector<Span>& spans() const { return spans_; }
  /// Trace-event JSON (array form with complete events, times in microseconds with picosecond digits).
  /// Source of the format: "Trace Event Format", Google, public document.
  void write(std::ostream& out) const;

 private:
  struct TrackName {
    int process, thread;
    std::string name;
  };
  std::vector<Span> spans_;
  std::vector<TrackName> processes_, threads_;
};

}  // namespace sparsesim
