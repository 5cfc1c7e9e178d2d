#pragma once
// Banks or channels that share an address space.

#include <cstdint>
#include <vector>

#include "sim/core/error.h"
#include "sim/core/fifo_server.h"

namespace sparsesim {

struct BankSetSpec {
  int banks = 1;
  Bytes interleave{256};  // consecutive bytes in one bank
  bool swizzled = true;   // rotate the banks from group to group, so that a stride of a multiple of all banks spreads
};

/// Interleaved FIFO servers: granule g = address / interleave goes to bank (g + rotation(g / banks)) mod banks.
///
/// Every aligned run of `banks` granules visits each bank once, so a stream is balanced; without swizzle the rotation
/// is 0 and a stride of banks * interleave hits one bank only. Arrivals are non-decreasing per bank.
class BankSet {
 public:
  explicit BankSet(BankSetSpec spec) : spec_(spec) {
    require(spec.banks >= 1 && spec.interleave.count >= 1,
            "a bank set needs a bank and an interleave of a byte or more");
    banks_.resize(static_cast<std::size_t>(spec.banks));
  }
  int bank_of(std::uint64_t address) const {
    const auto banks = static_cast<std::uint64_t>(spec_.banks);
    const std::uint64_t granule = address / static_cast<std::uint64_t>(spec_.interleave.count);
    if (!spec_.swizzled) return static_cast<int>(granule % banks);
    const std::uint64_t group = granule / banks;
    const std::uint64_t rotation =
        (group * 0x9E3779B97F4A7C15u) >> 40;  // Fibonacci hashing: high bits of a golden-ratio product
    return static_cast<int>((granule % banks + rotation) % banks);
  }
  /// Serves a request to `address`; returns when its bank has finished it.
  Time serve(Time arrival, std::uint64_t address, FineTime service) {
    return banks_[static_cast<std::size_t>(bank_of(address))].serve(arrival, service);
  }
  int banks() const { return spec_.banks; }
  FifoServer& bank(int index) { return banks_.at(static_cast<std::size_t>(index)); }
  /// Counters summed over the banks; the longest wait is the longest of any.
  ServerStats stats() const {
    ServerStats sum;
    for (const FifoServer& bank : banks_) {
      sum.requests += bank.stats.requests;
      sum.busy += bank.stats.busy;
      sum.waited += bank.stats.waited;
      sum.waited_max = std::max(sum.waited_max, bank.stats.waited_max);
    }
    return sum;
  }

 private:
  BankSetSpec spec_;
  std::vector<FifoServer> banks_;  // [banks]
};

}  // namespace sparsesim
