// Runs one hold model, for callgrind: count_engine ENGINE INCREMENTS PENDING HOLDS. The count per hold is the
// difference of two runs of different length.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "scripts/benchmarks/hold.h"

namespace {

template <class Hold>
int run(char** arguments) {
  Hold hold(arguments[2]);
  hold.fill(std::atoll(arguments[3]));
  hold.run(std::atoll(arguments[4]));
  std::printf("%016llx\n", static_cast<unsigned long long>(hold.state.order_hash));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace sparsesim;
  using namespace sparsesim::bench;
  const std::string engine = count == 5 ? arguments[1] : "";
  if (engine == "wheel") return run<KernelHold<BatchWheel>>(arguments);
  if (engine == "function") return run<FunctionHold>(arguments);
  if (engine == "pod") return run<PodHold>(arguments);
  if (engine == "ring") return run<RingHold>(arguments);
  std::fputs("usage: count_engine wheel|function|pod|ring INCREMENTS PENDING HOLDS\n", stderr);
  return 2;
}
