#pragma once
// Remembers how launches played, so that runs which differ elsewhere do not play them again.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "models/compute/launch.h"
#include "models/compute/player.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// Somebody who waits for a run asked it to stop.
struct RunStopped : std::runtime_error {
  RunStopped() : std::runtime_error("stopped") {}
};

/// Results of play by content: what the launch asks, the numbers of the device and the clock. Counterfactuals and
/// shifted machines share most of their launches. Any threads may use one at the same time; a result never depends on
/// who computed it.
class LaunchMemo {
 public:
  /// Once `stop` is set, runs that ask here end: every play of a run asks.
  explicit LaunchMemo(const std::atomic<bool>* stop = nullptr) : stop_(stop) {}

  /// Digest of all that a play depends on: 128 bits, so that two plays never meet in practice.
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  static Key key(const Launch& launch, const Substrate& substrate, bool without_overfetch, double clock_hz);

  /// Errors: RunStopped.
  std::optional<LaunchResult> find(const Key& key) const;
  /// Forgets all others when it holds too many: sweeps play millions of launches.
  void insert(const Key& key, const LaunchResult& result);
  static constexpr std::size_t kResultsMost = 1 << 16;  // of some 300 bytes

 private:
  const std::atomic<bool>* stop_;
  mutable std::mutex mutex_;
  std::map<Key, LaunchResult> results_;
};

}  // namespace sparsesim
