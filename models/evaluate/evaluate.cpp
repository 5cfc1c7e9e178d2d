#include "models/evaluate/evaluate.h"

#include <algorithm>
#include <array>

#include "sim/core/parallel.h"

namespace sparsesim {

namespace {

struct Mechanism {
  const char* term;
  bool Ideal::*flag;  // null for the first: what is left when every mechanism is ideal
};

// From ideal to realised: what the op's own shape costs first, what surrounds the call last.
constexpr std::array<Mechanism, 7> kMechanisms{{{"dense_efficiency", nullptr},
                                                {"granule_padding", &Ideal::padding},
                                                {"metadata", &Ideal::metadata},
                                                {"overfetch", &Ideal::overfetch},
                                                {"imbalance", &Ideal::imbalance},
                                                {"fabric", &Ideal::fabric},
                                                {"fixed_cost", &Ideal::fixed_cost}}};

/// Mechanisms up to and including `prefix` are real, the later ones ideal.
Ideal ideal_beyond(std::size_t prefix) {
  Ideal ideal;
  for (std::size_t i = prefix + 1; i < kMechanisms.size(); ++i) ideal.*kMechanisms[i].flag = true;
  return ideal;
}

}  // namespace

ProgramResult predict_sparse(const Op& op, const Substrate& substrate, std::uint64_t seed, const Ideal& ideal,
                             LaunchMemo* memo, const IssueCost& issue) {
  return play_program(op.lower({substrate, ideal, seed}), substrate, ideal, memo, {}, issue);
}

ProgramResult predict_dense(const Op& op, const Substrate& substrate, std::uint64_t seed, const Ideal& ideal,
                            LaunchMemo* memo, const IssueCost& issue) {
  return play_program(op.lower_dense({substrate, ideal, seed}), substrate, ideal, memo, {}, issue);
}

OpPrediction predict(const Op& op, const Substrate& substrate, std::uint64_t seed, LaunchMemo* memo, int threads,
                     const OpIssue& issue) {
  OpPrediction result;
  const bool twin = op.pattern() == "dense";
  const auto simulate_sparse = [&] {
    result.sparsity = op.sparsity({substrate, {}, seed});
    try {
      if (!twin) result.sparse = predict_sparse(op, substrate, seed, {}, memo, issue.sparse);
    } catch (const UnsupportedError& error) {
      result.fallback = true;
      result.fallback_reason = error.what();
    }
  };
  for_each_index(2, twin ? 1 : threads, [&](std::size_t job) {  // a thread costs more than the sparsity of a dense op
    if (job == 0)
      result.dense = predict_dense(op, substrate, seed, {}, memo, issue.dense);
    else
      simulate_sparse();
  });
  if (twin || result.fallback) result.sparse = result.dense;
  return result;
}

std::vector<std::string> loss_term_names() {
  std::vector<std::string> names;
  for (const auto& mechanism : kMechanisms) names.emplace_back(mechanism.term);
  return names;
}

Counterfactuals counterfactuals(const Op& op, const Substrate& substrate, std::uint64_t seed, const OpPrediction& real,
                                LaunchMemo* memo) {
  const bool twin = op.pattern() == "dense" || real.fallback;
  constexpr std::size_t kTerms = kMechanisms.size();
  Counterfactuals runs{std::vector<double>(kTerms), std::vector<double>(kTerms)};
  runs.dense_seconds.back() = real.dense.time.seconds();
  runs.sparse_seconds.back() = real.sparse.time.seconds();
  // Even indices are dense runs, odd ones sparse runs.
  for_each_index(2 * (kTerms - 1), 0, [&](std::size_t job) {
    const std::size_t prefix = job / 2;
    const bool dense = job % 2 == 0;
    if (dense || !twin) {
      const auto seconds =
          (dense ? predict_dense : predict_sparse)(op, substrate, seed, ideal_beyond(prefix), memo, {}).time.seconds();
      (dense ? runs.dense_seconds : runs.sparse_seconds)[prefix] = seconds;
    }
  });
  if (twin) runs.sparse_seconds = runs.dense_seconds;
  return runs;
}

Counterfactuals unchanged(const OpPrediction& real) {
  const std::vector<double> seconds(kMechanisms.size(), real.dense.time.seconds());
  return {seconds, seconds};
}

double speedup_of(double dense, double sparse) {
  constexpr double kMost = 1e12;  // that of ideal_speedup()
  if (dense <= 0 && sparse <= 0) return 1;
  return std::clamp(dense / sparse, 1 / kMost, kMost);
}

std::vector<LossTerm> waterfall(double ideal, const Counterfactuals& runs) {
  std::vector<LossTerm> terms;
  double before = ideal;
  for (std::size_t i = 0; i < kMechanisms.size(); ++i) {
    // With every mechanism ideal an exchange takes no time at all; nothing against nothing is no gain.
    const double speedup = speedup_of(runs.dense_seconds[i], runs.sparse_seconds[i]);
    terms.push_back({kMechanisms[i].term, before / speedup});
    before = speedup;
  }
  return terms;
}

double ideal_speedup(double declared_sparsity) { return 1.0 / std::max(1e-12, 1.0 - declared_sparsity); }

double quick_estimate(const SparsitySummary& sparsity) {
  const double aligned = std::min({sparsity.aligned_cache, sparsity.aligned_dispatch, sparsity.aligned_transfer});
  return ideal_speedup(sparsity.declared * aligned);
}

}  // namespace sparsesim
