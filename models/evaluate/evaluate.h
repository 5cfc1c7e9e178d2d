#pragma once
// One op against its dense twin on one machine: the two times, and where the promised speedup went.

#include <cstdint>
#include <string>
#include <vector>

#include "models/evaluate/program_player.h"
#include "models/ops/op.h"

namespace sparsesim {

/// dense / sparse; 1 where neither takes any time. From 1e-12 to 1e12, so that an op that only one of them has stays a
/// number.
double speedup_of(double dense, double sparse);

struct OpPrediction {
  ProgramResult dense, sparse;
  SparsitySummary sparsity;
  bool fallback = false;  // the machine has no kernel for the pattern: the sparse run is the dense one
  std::string fallback_reason;
  double dense_us() const { return dense.time.us(); }
  double sparse_us() const { return sparse.time.us(); }
  double realised_speedup() const {
    return speedup_of(static_cast<double>(dense.time.ps), static_cast<double>(sparse.time.ps));
  }
};

/// Simulates the op only, not its twin. Errors: UnsupportedError.
ProgramResult predict_sparse(const Op& op, const Substrate& substrate, std::uint64_t seed, const Ideal& ideal = {},
                             LaunchMemo* memo = nullptr, const IssueCost& issue = {});
/// Simulates the dense twin.
ProgramResult predict_dense(const Op& op, const Substrate& substrate, std::uint64_t seed, const Ideal& ideal = {},
                            LaunchMemo* memo = nullptr, const IssueCost& issue = {});
/// What both runs of an op ask of the host.
struct OpIssue {
  IssueCost dense, sparse;
};
/// Both, side by side where there are two threads (0: one per processor). A pattern without kernel on this machine
/// falls back to dense and says so. Errors: UnsupportedError when dense is not possible either.
OpPrediction predict(const Op& op, const Substrate& substrate, std::uint64_t seed, LaunchMemo* memo = nullptr,
                     int threads = 1, const OpIssue& issue = {});

/// A step of the waterfall from ideal to realised speedup; below 1 is a gain.
struct LossTerm {
  std::string term;
  double factor = 1;
};
/// Names of the terms in the order in which mechanisms are switched on, from ideal to realised.
std::vector<std::string> loss_term_names();
/// Speedup with each longer prefix of mechanisms switched on: [0] everything ideal, last: everything real.
/// dense and sparse are seconds of both runs for each prefix, so that a workload can add its ops up.
struct Counterfactuals {
  std::vector<double> dense_seconds, sparse_seconds;  // loss_term_names().size() entries each
};
/// `real` is the prediction with everything real, which the last prefix repeats; the others run on all processors.
Counterfactuals counterfactuals(const Op& op, const Substrate& substrate, std::uint64_t seed, const OpPrediction& real,
                                LaunchMemo* memo = nullptr);
/// Those of an op that is its own twin, where only the real time matters: no runs.
Counterfactuals unchanged(const OpPrediction& real);
/// factor[0] = ideal / S[0] (efficiency that dense reaches and sparse does not), factor[i] = S[i-1] / S[i]: they
/// multiply to ideal / realised.
std::vector<LossTerm> waterfall(double ideal_speedup, const Counterfactuals& runs);
/// 1 / (1 - s), at most 1e12 so that a wholly inactive op stays a number.
double ideal_speedup(double declared_sparsity);
/// Quick estimate 1 / (1 - s * min(aligned)). Source: docs/output.md.
double quick_estimate(const SparsitySummary& sparsity);

}  // namespace sparsesim
