#pragma once
// Whether an MPI launcher started this program, and how to reach the others that it started.

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "sim/cluster/ranks.h"

namespace sparsesim::cluster {

/// What a launcher says in the environment.
struct Launch {
  int rank = 0, ranks = 1;
};

/// Where a launcher started more than one rank: Open MPI's (OMPI_COMM_WORLD_RANK and _SIZE), one that speaks PMI
/// (PMI_RANK and PMI_SIZE: MPICH's, Slurm's pmi2), or Slurm's with PMIx (PMIX_RANK and SLURM_STEP_NUM_TASKS).
std::optional<Launch> launched();

/// The ranks cannot be joined: what() is one line.
struct JoinError : std::runtime_error {
  using runtime_error::runtime_error;
};

/// The ranks that a launcher started, null where it is none. Loads sparsesim-mpi.so, which alone is linked with MPI,
/// from the folder of this program or from its libexec folder. Errors: JoinError where that was not built, cannot be
/// loaded, or belongs to another MPI than the launcher.
std::unique_ptr<Ranks> join_launched();

}  // namespace sparsesim::cluster
