#include "sim/cluster/launcher.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace sparsesim::cluster {
namespace {

namespace fs = std::filesystem;

std::optional<int> number(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  int value = -1;
  const char* end = text + std::strlen(text);
  const auto [last, error] = std::from_chars(text, end, value);
  return error == std::errc() && last == end && value >= 0 ? std::optional(value) : std::nullopt;
}

std::optional<fs::path> find_module() {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& path :
       {folder / "sparsesim-mpi.so", folder.parent_path() / "libexec/sparsesim/sparsesim-mpi.so"})
    if (fs::is_regular_file(path, error)) return path;
  return std::nullopt;
}

std::string host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "this host";
}

}  // namespace

std::optional<Launch> launched() {
  struct Variables {
    const char* rank;
    const char* ranks;
  };
  for (const Variables& by : {Variables{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                              Variables{"PMI_RANK", "PMI_SIZE"}, Variables{"PMIX_RANK", "SLURM_STEP_NUM_TASKS"}}) {
    const auto rank = number(by.rank), ranks = number(by.ranks);
    if (!rank || !ranks) continue;
    return *ranks > 1 && *rank < *ranks ? std::optional(Launch{*rank, *ranks}) : std::nullopt;
  }
  return std::nullopt;
}

std::unique_ptr<Ranks> join_launched() {
  const auto launch = launched();
  if (!launch) return nullptr;
  const auto path = find_module();
  if (!path)
    throw JoinError(
        fmt::format("started as {} ranks, but built without MPI: sparsesim-mpi.so is not installed "
                    "(docs/cluster.md says what it needs)",
                    launch->ranks));
  // Global, since the parts that Open MPI itself loads look for its symbols. Never closed: it has threads of its own.
  void* module = ::dlopen(path->c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (module == nullptr) throw JoinError(fmt::format("{}: cannot load MPI: {}", host(), ::dlerror()));
  using Join = Ranks* (*)();
  const auto join_ranks = reinterpret_cast<Join>(::dlsym(module, "sparsesim_join_ranks"));
  if (join_ranks == nullptr) throw JoinError(fmt::format("{}: of another version", path->string()));
  std::unique_ptr<Ranks> ranks(join_ranks());
  if (ranks->count() != launch->ranks)
    throw JoinError(fmt::format("the launcher started {} ranks, but MPI sees {}: is it the launcher of another MPI?",
                                launch->ranks, ranks->count()));
  return ranks;
}

}  // namespace sparsesim::cluster
