#include "validate/measure/cpu/kernels/tiles.h"

namespace sparsesim::measure {

bool has_tiles([[maybe_unused]] const CpuContext& context) {
#if defined(__x86_64__)
  return context.amx_bf16 && context.avx512_bf16;
#else
  return false;
#endif
}

#if !defined(__x86_64__)
void multiply_tiles(const TileMatrix&, const std::uint16_t*, std::uint16_t*, const Part&) {}
#endif

}  // namespace sparsesim::measure
