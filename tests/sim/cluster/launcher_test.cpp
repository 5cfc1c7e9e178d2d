// Which environments make a process a rank of several.

#include "sim/cluster/launcher.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <utility>
#include <vector>

namespace sparsesim::cluster {
namespace {

using Variables = std::vector<std::pair<const char*, const char*>>;

/// What launched() says where these variables alone are set.
std::optional<Launch> launch_in(const Variables& variables) {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "PMIX_RANK",
                           "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_PROCID"})
    ::unsetenv(name);
  for (const auto& [name, value] : variables) ::setenv(name, value, 1);
  return launched();
}

}  // namespace

TEST_CASE("the launchers that are known") {
  for (const auto& [rank, ranks] :
       {std::pair{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, std::pair{"PMI_RANK", "PMI_SIZE"},
        std::pair{"PMIX_RANK", "SLURM_STEP_NUM_TASKS"}}) {
    const auto launch = launch_in({{rank, "3"}, {ranks, "16"}});
    REQUIRE(launch);
    CHECK(launch->rank == 3);
    CHECK(launch->ranks == 16);
    CHECK_FALSE(launch_in({{rank, "0"}, {ranks, "1"}}));  // alone
    CHECK_FALSE(launch_in({{rank, "0"}}));
    CHECK_FALSE(launch_in({{ranks, "2"}}));
    CHECK_FALSE(launch_in({{rank, "2"}, {ranks, "2"}}));
    CHECK_FALSE(launch_in({{rank, "x"}, {ranks, "2"}}));
    CHECK_FALSE(launch_in({{rank, "-1"}, {ranks, "2"}}));
  }
}

TEST_CASE("a batch script of Slurm, and its tasks without PMI, are ordinary processes") {
  CHECK_FALSE(launch_in({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}));
  CHECK_FALSE(launch_in({{"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "8"}, {"SLURM_STEP_NUM_TASKS", "8"}}));
}

TEST_CASE("the ranks of a launcher inside another's are those of the inner one") {
  const auto launch = launch_in({{"OMPI_COMM_WORLD_RANK", "1"},
                                 {"OMPI_COMM_WORLD_SIZE", "2"},
                                 {"PMIX_RANK", "0"},
                                 {"SLURM_STEP_NUM_TASKS", "1"}});
  REQUIRE(launch);
  CHECK(launch->ranks == 2);
  CHECK_FALSE(launch_in({}));
}

TEST_CASE("an ordinary process joins nobody") {
  launch_in({});
  CHECK(join_launched() == nullptr);
}

}  // namespace sparsesim::cluster
