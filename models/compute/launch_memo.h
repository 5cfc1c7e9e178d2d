#pragma once
// Remembers how launches played, so that runs which differ elsewhere do not play them again.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "models/compute/launch.h"
#include "models/compute/player.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// Results of play by content: what the launch asks, the numbers of the device and the clock. Counterfactuals and
/// shifted machines share most of their launches. Any threads may use one at the same time; a result never depends on
/// who computed it.
class LaunchMemo {
 public:
  /// Digest of all that a play depends on: 128 bits, so that two plays never meet in practice.
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  static Key key(const Launch& launch, const Substrate& substrate, bool without_overfetch, double clock_hz);

  std::optional<LaunchResult> find(const Key& key) const;
  /// Forgets all others when it holds too many: sweeps play millions of launches.
  void insert(const Key& key, const LaunchResult& result);
  static constexpr std::size_t kResultsMost = 1 << 16;  // of some 300 bytes

 private:
  mutable std::mutex mutex_;
  std::map<Key, LaunchResult> results_;
};

}  // namespace sparsesim
