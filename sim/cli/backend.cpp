#include "sim/cli/backend.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "sim/cli/interrupt.h"
#include "sim/cli/say.h"

namespace sparsesim::cli {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> find_backend(const std::string& name) {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& path :
       {folder / name, folder.parent_path() / "libexec/sparsesim" / name, folder / "validate/measure/cuda" / name})
    if (fs::is_regular_file(path, error)) return path.string();
  return std::nullopt;
}

/// Ctrl-C reaches both programs: the backend ends in good order, and this one waits for it.
class IgnoreInterrupt {
 public:
  IgnoreInterrupt() {
    struct sigaction action {};
    action.sa_handler = SIG_IGN;
    sigaction(SIGINT, &action, &before_);
  }
  ~IgnoreInterrupt() { sigaction(SIGINT, &before_, nullptr); }
  IgnoreInterrupt(const IgnoreInterrupt&) = delete;
  IgnoreInterrupt& operator=(const IgnoreInterrupt&) = delete;

 private:
  struct sigaction before_ {};
};

/// Starts a program in which Ctrl-C does what it does by default.
pid_t start(const std::string& path, std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGINT);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int code = posix_spawn(&child, path.c_str(), nullptr, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (code != 0) throw std::runtime_error(fmt::format("{}: cannot start: {}", path, std::strerror(code)));
  return child;
}

}  // namespace

int run_backend(const std::string& backend, std::vector<std::string> arguments) {
  const std::string name = "sparsesim-" + backend;
  const auto path = find_backend(name);
  if (!path) {
    say("sparsesim: no backend for {}: {} is not installed (docs/measuring.md says what it needs)\n", backend, name);
    return kNoDevice;
  }
  std::fflush(stdout);
  arguments.insert(arguments.begin(), *path);
  const IgnoreInterrupt guard;
  const pid_t child = start(*path, arguments);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw std::runtime_error(fmt::format("{}: {}", name, std::strerror(errno)));
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  if (WTERMSIG(status) == SIGINT) return kInterruptedExit;
  throw std::runtime_error(fmt::format("{} was ended by signal {}", name, WTERMSIG(status)));
}

}  // namespace sparsesim::cli
