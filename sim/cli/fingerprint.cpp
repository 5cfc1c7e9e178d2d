// sparsesim fingerprint: lets a backend measure the device at hand, and makes a whole substrate file of what it found.

#include <filesystem>

#include "models/substrate/complete.h"
#include "sim/cli/backend.h"
#include "sim/cli/commands.h"

namespace sparsesim::cli {
namespace {

/// What the backend writes, until it is made whole; in the folder of the result, so that `base` is found alike.
class MeasuredFile {
 public:
  explicit MeasuredFile(std::string path) : path_(std::move(path)) {}
  ~MeasuredFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  MeasuredFile(const MeasuredFile&) = delete;
  MeasuredFile& operator=(const MeasuredFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

int run_fingerprint(const ParsedCommand& command) {
  const std::string out = command.get("out");
  check_writable(out);
  const MeasuredFile measured(out + ".measured.yaml");
  std::vector<std::string> words = {"fingerprint", "--out", measured.path()};
  const SearchPath machines = shipped("substrates");
  if (!machines.folders.empty()) words.insert(words.end(), {"--substrates", machines.folders.front()});
  for (const char* option : {"threads", "name", "seed"})
    if (const auto value = command.find(option)) words.insert(words.end(), {std::string("--") + option, *value});
  for (const char* option : {"quick", "quiet"})
    if (command.flag(option)) words.push_back(std::string("--") + option);
  if (const int code = run_backend(command.get("backend"), std::move(words)); code != kOk) return code;
  write_file(out, complete_substrate(measured.path(), machines));
  return kOk;
}

}  // namespace sparsesim::cli
