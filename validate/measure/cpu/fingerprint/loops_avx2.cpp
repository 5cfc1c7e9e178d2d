#include "validate/measure/cpu/fingerprint/vector_loops.h"

namespace sparsesim::measure {

#ifdef __AVX2__
const VectorLoops* avx2_loops() {
  static constexpr VectorLoops loops = loops_of("AVX2");
  return &loops;
}
#else
const VectorLoops* avx2_loops() { return nullptr; }
#endif

}  // namespace sparsesim::measure
