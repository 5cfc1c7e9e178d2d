#pragma once
// Simulated times of a model's ops, each text once.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "models/compute/launch_memo.h"
#include "models/evaluate/host.h"
#include "models/substrate/substrate.h"
#include "models/whole/model.h"

namespace sparsesim {

struct OpTime {
  Time own;                  // as the op is written; by its dense kernel where the machine has none for the pattern
  Time twin;                 // of its dense twin, where it was asked for
  Time own_host, twin_host;  // that a framework needs to issue it, one call for each op
  bool patterned = false;    // it has a twin other than itself
  bool fallback = false;
};

class OpTimes {
 public:
  /// `twins`: dense twins are simulated too. Threads: 0 is one per processor; no result depends on them.
  /// Machines whose library knows no framework's calls compile whole steps: no host.
  OpTimes(const Substrate& substrate, std::uint64_t seed, bool twins, int threads);

  /// Simulates those of the ops that are not known yet, side by side.
  /// Errors: config::ConfigError and UnsupportedError, with the op's name.
  void learn(const std::vector<ModelOp>& ops);
  /// Of an op that was learnt.
  const OpTime& of(const ModelOp& op) const { return times_.at(key(op)); }
  /// (name, reason) of ops that run densely because the machine has no kernel for their pattern.
  const std::map<std::string, std::string>& fallbacks() const { return fallbacks_; }
  /// Ops simulated so far.
  std::size_t size() const { return times_.size(); }

 private:
  // Masks are found beside the file that names them.
  using Key = std::pair<std::string, std::string>;
  static Key key(const ModelOp& op) { return {op.keys, op.place.file}; }
  OpTime simulate(const ModelOp& op, std::string& reason);

  const Substrate& substrate_;
  const std::uint64_t seed_;
  const bool twins_;
  const int threads_;
  IssueCost issue_;
  LaunchMemo memo_;
  std::map<Key, OpTime> times_;
  std::map<std::string, std::string> fallbacks_;
};

}  // namespace sparsesim
