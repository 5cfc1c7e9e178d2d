#include <boost/random/sobol.hpp>

#include "sim/core/random.h"
#include "sim/sweep/design.h"

namespace sparsesim::sweep {

std::vector<double> sample(Sampling method, std::size_t dimensions, std::uint64_t seed, std::int64_t position) {
  std::vector<double> shares(dimensions);
  if (method == Sampling::random) {
    RandomStream stream(seed, "sample " + std::to_string(position));
    for (double& share : shares) share = stream.uniform();
    return shares;
  }
  // 64-bit words of the sequence; their upper 53 bits make a double below 1.
  boost::random::sobol sequence(dimensions);
  sequence.seed(seed + static_cast<std::uint64_t>(position));  // numbers from 0 the points after the first, all zeros
  for (double& share : shares) share = static_cast<double>(sequence() >> 11) * 0x1p-53;
  return shares;
}

}  // namespace sparsesim::sweep
