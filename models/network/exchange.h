#pragma once
// One exchange among devices: what is sent, and how long the fabric and its collective library take.

#include <string>
#include <vector>

#include "models/compute/ideal.h"
#include "models/substrate/substrate.h"
#include "sim/core/units.h"

namespace sparsesim {

/// All-to-all style traffic: bytes[src * devices + dst], plus which library algorithm carries it.
struct Exchange {
  std::string name;
  std::string algorithm;  // all_to_all, all_gather, reduce_scatter, all_reduce
  int devices = 1;
  std::vector<double> bytes;  // per (src, dst), all_to_all only; empty: uniform
  double bytes_per_rank = 0;  // buffer of one rank, where `bytes` is empty
};

struct ExchangeResult {
  Time time;
  double bound_seconds = 0;  // largest over links of bytes / payload bandwidth: no protocol can be faster
  double bytes = 0;          // that crossed the fabric, each message once
  double messages = 0;       // between two different devices
  std::string protocol;      // that the library chose: ll, ll128, simple, nvls; "links" where none is described
};

/// Time of an exchange on the substrate's fabric by its collective library (collectives.h), all devices starting
/// together. Messages are rounded up to the fabric's packet.
///
/// Ideal: fabric -> no time; fixed_cost -> no floors and no latency per step; imbalance -> every pair carries the mean;
/// padding -> no rounding up to packets.
/// Errors: FabricError (topology.h) when the fabric cannot carry it or its library lacks a constant;
/// std::invalid_argument for an unknown algorithm, or `bytes` of the wrong size or with an algorithm other than
/// all_to_all.
ExchangeResult exchange_time(const Exchange& exchange, const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
