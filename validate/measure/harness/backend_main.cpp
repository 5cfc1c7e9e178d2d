#include "validate/measure/harness/backend_main.h"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "validate/measure/harness/csv.h"
#include "validate/measure/harness/session.h"

namespace sparsesim::measure {
namespace {

enum ExitCode { kDone = 0, kFailed = 1, kBadInput = 2, kNoDevice = 3, kInterrupted = 130 };

std::atomic<bool> g_stop{false};  // set by the signal handler, which can reach nothing else
static_assert(std::atomic<bool>::is_always_lock_free);

/// The first Ctrl-C stops in good order, a second one at once.
void stop_on_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_stop = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
}

struct UsageMistake : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Options that have a value, and flags (value "1").
class Arguments {
 public:
  Arguments(int argc, char** argv, const std::vector<std::string_view>& valued,
            const std::vector<std::string_view>& flags) {
    const auto known = [](const auto& list, std::string_view word) {
      for (const auto& entry : list)
        if (entry == word) return true;
      return false;
    };
    for (int i = 2; i < argc; ++i) {
      const std::string word = argv[i];
      const bool valid = word.rfind("--", 0) == 0;
      const std::string name = valid ? word.substr(2) : word;
      if (valid && known(flags, name)) {
        values_[name] = "1";
      } else if (!valid || !known(valued, name)) {
        throw UsageMistake("unknown argument \"" + word + "\"");
      } else if (i + 1 == argc) {
        throw UsageMistake(word + " needs a value");
      } else {
        values_[name] = argv[++i];
      }
    }
  }

  bool has(const std::string& name) const { return values_.contains(name); }
  std::string text(const std::string& name) const { return has(name) ? values_.at(name) : std::string(); }
  std::string required(const std::string& name) const {
    if (text(name).empty()) throw UsageMistake("--" + name + " is missing");
    return text(name);
  }
  std::int64_t integer(const std::string& name, std::int64_t low, std::int64_t high, std::int64_t fallback) const {
    if (!has(name)) return fallback;
    const std::string value = text(name);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc{} && end == value.data() + value.size() && number >= low && number <= high) return number;
    throw UsageMistake("--" + name + " " + value + " is no whole number from " + std::to_string(low) + " to " +
                       std::to_string(high));
  }

 private:
  std::map<std::string, std::string> values_;
};

/// A line on standard error that is drawn over, where somebody watches; errors are printed above it.
class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown && isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { clear(); }
  void draw(int done, int total, const std::string& what) {
    if (!shown_) return;
    const int filled = done * kWidth / total;
    std::fprintf(stderr, "\r\033[K[%s%s] %3d %%  %.60s", std::string(static_cast<std::size_t>(filled), '#').c_str(),
                 std::string(static_cast<std::size_t>(kWidth - filled), '.').c_str(), done * 100 / total, what.c_str());
    std::fflush(stderr);
  }
  void print(const std::string& line) {
    clear();
    std::fprintf(stderr, "%s\n", line.c_str());
  }

 private:
  void clear() const {
    if (shown_) std::fprintf(stderr, "\r\033[K");
  }
  static constexpr int kWidth = 40;
  bool shown_;
};

int measure(const BackendProgram& program, const Arguments& arguments) {
  SessionOptions options;
  options.out = arguments.required("out");
  options.device = arguments.text("device");
  options.seed = static_cast<std::uint64_t>(arguments.integer("seed", 0, INT64_MAX, 1));
  if (arguments.has("quick")) options.sampling = Sampling::quick();
  options.sampling.visits = static_cast<int>(arguments.integer("visits", 1, 1000, options.sampling.visits));
  auto rows = read_plan(arguments.required("plan"));
  const auto backend = program.open(static_cast<int>(arguments.integer("threads", 1, 4096, 0)));
  options.stop = &g_stop;
  ProgressLine line(!arguments.has("quiet"));
  options.report = [&](const std::string& text) { line.print(text); };
  options.progress = [&](int done, int total, const std::string& what) { line.draw(done, total, what); };
  stop_on_interrupt();
  const SessionOutcome outcome = measure_plan(*backend, std::move(rows), options);
  const std::string counts = std::to_string(outcome.measured) + " measured, " + std::to_string(outcome.kept) +
                             " kept from before, " + std::to_string(outcome.left_out) + " left out, " +
                             std::to_string(outcome.failed) + " failed";
  if (outcome.interrupted) {
    line.print(program.name + ": interrupted: " + counts + "; the same command goes on from here");
    return kInterrupted;
  }
  if (!arguments.has("quiet")) line.print(program.name + ": " + counts);
  if (outcome.failed > 0) return kFailed;
  if (outcome.measured + outcome.kept == 0) {
    line.print(program.name + ": nothing in this plan can be measured here");
    return kFailed;
  }
  return kDone;
}

int fingerprint(const BackendProgram& program, const Arguments& arguments) {
  if (!program.fingerprint) throw UsageMistake("this program has no fingerprint");
  FingerprintRequest request;
  request.out = arguments.required("out");
  request.name = arguments.text("name");
  request.substrates = arguments.text("substrates");
  request.threads = static_cast<int>(arguments.integer("threads", 1, 4096, 0));
  request.seed = static_cast<std::uint64_t>(arguments.integer("seed", 0, INT64_MAX, 1));
  request.quick = arguments.has("quick");
  request.quiet = arguments.has("quiet");
  program.fingerprint(request);
  return kDone;
}

std::string usage(const std::string& name) {
  return "usage: " + name +
         " measure --plan P --out R [--threads N] [--device NAME] [--visits N] [--seed N] [--quick] [--quiet]\n"
         "       " +
         name +
         " fingerprint --out F [--threads N] [--name NAME] [--substrates DIR] [--seed N] [--quick] [--quiet]\n"
         "       " +
         name + " list\n";
}

int run(int argc, char** argv, const BackendProgram& program) {
  const std::string command = argc > 1 ? argv[1] : "help";
  if (command == "measure")
    return measure(program, {argc, argv, {"plan", "out", "threads", "device", "visits", "seed"}, {"quick", "quiet"}});
  if (command == "fingerprint")
    return fingerprint(program, {argc, argv, {"out", "threads", "name", "substrates", "seed"}, {"quick", "quiet"}});
  if (command == "list") {
    std::fputs(program.list().c_str(), stdout);
    return kDone;
  }
  if (command != "help" && command != "--help") throw UsageMistake("unknown command \"" + command + "\"");
  std::fputs(usage(program.name).c_str(), stdout);
  return kDone;
}

}  // namespace

int backend_main(int argc, char** argv, const BackendProgram& program) {
  const auto fail = [&](int code, const char* what) {
    std::fprintf(stderr, "%s: %s\n", program.name.c_str(), what);
    return code;
  };
  try {
    return run(argc, argv, program);
  } catch (const UsageMistake& error) {
    return fail(kBadInput, error.what());
  } catch (const NotHere& error) {
    return fail(kNoDevice, error.what());
  } catch (const std::invalid_argument& error) {  // begins with its place
    std::fprintf(stderr, "%s\n", error.what());
    return kBadInput;
  } catch (const std::exception& error) {
    return fail(kFailed, error.what());
  }
}

}  // namespace sparsesim::measure
