#include "validate/measure/cpu/fingerprint/vector_loops.h"

namespace sparsesim::measure {

#ifdef __AVX512F__
const VectorLoops* avx512_loops() {
  static constexpr VectorLoops loops = loops_of("AVX-512");
  return &loops;
}
#else
const VectorLoops* avx512_loops() { return nullptr; }
#endif

}  // namespace sparsesim::measure
