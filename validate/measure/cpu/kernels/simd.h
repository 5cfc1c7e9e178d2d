#pragma once
// Registers of floats, one struct per instruction set that this file is compiled for. Kernels are templates over them.
// All is in an unnamed namespace: a kernel instantiated for one instruction set must never stand in for another's.

#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace sparsesim::measure {
namespace {

/// Numbers of the lanes of S over `height`.
template <class S>
typename S::Index divided_lanes(std::int64_t height) {
  std::int32_t numbers[S::lanes];
  for (int lane = 0; lane < S::lanes; ++lane) numbers[lane] = static_cast<std::int32_t>(lane / height);
  return S::load(numbers, S::first(S::lanes));
}

#if defined(__AVX512F__)

struct Avx512 {
  using Vector = __m512;
  using Index = __m512i;
  using Mask = __mmask16;
  static constexpr int lanes = 16, registers = 32, panel_vectors = 4, block_panel_vectors = 4, row_sums = 8;
  static constexpr bool cheap_masks = true;    // a masked operation costs no more than a whole one
  static constexpr bool fetches_ahead = true;  // kernels announce the weights that they will need

  static Mask first(std::int64_t n) { return static_cast<Mask>((1u << n) - 1u); }
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static Vector load(const float* p, Mask mask) { return _mm512_maskz_loadu_ps(mask, p); }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static void store(float* p, Vector v, Mask mask) { _mm512_mask_storeu_ps(p, mask, v); }
  static Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  static Index load(const std::int32_t* p, Mask mask) { return _mm512_maskz_loadu_epi32(mask, p); }
  static Vector multiply_add(Vector a, Vector b, Vector c, Mask mask) { return _mm512_mask3_fmadd_ps(a, b, c, mask); }
  /// By single loads: gather instructions are slower on AMD (Fog, Instruction tables, Zen 4 and 5: VGATHERDPS) and,
  /// since they wait for each other there (Gather Data Sampling), on many Intel processors.
  static Vector gather(const float* p, const std::int32_t* i) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(gather_eight(p, i)), gather_eight(p, i + 8), 1);
  }
  /// The first `count` lanes, a power of two below all of them; the others hold anything.
  static Vector gather_first(const float* p, const std::int32_t* i, std::int64_t count) {
    if (count == 8) return _mm512_castps256_ps512(gather_eight(p, i));
    const __m128 low =
        count >= 2 ? _mm_unpacklo_ps(_mm_load_ss(p + i[0]), _mm_load_ss(p + i[1])) : _mm_load_ss(p + i[0]);
    if (count < 4) return _mm512_castps128_ps512(low);
    const __m128 high = _mm_unpacklo_ps(_mm_load_ss(p + i[2]), _mm_load_ss(p + i[3]));
    return _mm512_castps128_ps512(_mm_movelh_ps(low, high));
  }
  static __m256 gather_eight(const float* p, const std::int32_t* i) {
    return _mm256_setr_ps(p[i[0]], p[i[1]], p[i[2]], p[i[3]], p[i[4]], p[i[5]], p[i[6]], p[i[7]]);
  }
  static Vector permute(Vector v, Index lanes_of) { return _mm512_permutexvar_ps(lanes_of, v); }
  /// Lane l holds l / height, a power of two.
  static Index lanes_over(std::int64_t height) {
    const Index lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_srl_epi32(lane, _mm_cvtsi32_si128(__builtin_ctzll(static_cast<unsigned long long>(height))));
  }
  /// Adds up lanes that are `height` apart, halves to halves; the first of those that are left are the sums.
  static int fold(float* lanes_left, Vector v, std::int64_t height) {
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    _mm256_storeu_ps(lanes_left, half);
    if (height == 8) return 8;
    _mm_storeu_ps(lanes_left, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
    return 4;
  }
  static float sum(Vector v) { return _mm512_reduce_add_ps(v); }

  /// 16 values of 2:4 rows meet the activations of their 32 columns: the places' bits select lanes of two registers.
  static constexpr int pick_values = 16;
  static Vector pick(const std::uint8_t* places, const float* x) {
    std::uint32_t bits;
    std::memcpy(&bits, places, 4);
    const Index shift = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const Index group = _mm512_setr_epi32(0, 0, 4, 4, 8, 8, 12, 12, 16, 16, 20, 20, 24, 24, 28, 28);
    const Index lane = _mm512_or_si512(
        _mm512_and_si512(_mm512_srlv_epi32(_mm512_set1_epi32(static_cast<int>(bits)), shift), _mm512_set1_epi32(3)),
        group);
    return _mm512_permutex2var_ps(load(x), lane, load(x + 16));
  }
};

#elif defined(__AVX2__)

struct Avx2 {
  using Vector = __m256;
  using Index = __m256i;
  using Mask = __m256i;
  static constexpr int lanes = 8, registers = 16, panel_vectors = 4, block_panel_vectors = 8, row_sums = 4;
  static constexpr bool cheap_masks = false, fetches_ahead = false;

  static Mask first(std::int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static Vector load(const float* p, Mask mask) { return _mm256_maskload_ps(p, mask); }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  static void store(float* p, Vector v, Mask mask) { _mm256_maskstore_ps(p, mask, v); }
  static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  static Index load(const std::int32_t* p, Mask mask) { return _mm256_maskload_epi32(p, mask); }
  /// By single loads: AMD's gather instruction is slower (Fog, Instruction tables, Zen 3: VGATHERDPS).
  static Vector gather(const float* p, const std::int32_t* i) {
    return _mm256_setr_ps(p[i[0]], p[i[1]], p[i[2]], p[i[3]], p[i[4]], p[i[5]], p[i[6]], p[i[7]]);
  }
  /// The first `count` lanes, a power of two below all of them; the others hold anything.
  static Vector gather_first(const float* p, const std::int32_t* i, std::int64_t count) {
    const __m128 low =
        count >= 2 ? _mm_unpacklo_ps(_mm_load_ss(p + i[0]), _mm_load_ss(p + i[1])) : _mm_load_ss(p + i[0]);
    if (count < 4) return _mm256_castps128_ps256(low);
    const __m128 high = _mm_unpacklo_ps(_mm_load_ss(p + i[2]), _mm_load_ss(p + i[3]));
    return _mm256_castps128_ps256(_mm_movelh_ps(low, high));
  }
  static Vector permute(Vector v, Index lanes_of) { return _mm256_permutevar8x32_ps(v, lanes_of); }
  static Index lanes_over(std::int64_t height) { return divided_lanes<Avx2>(height); }
  static int fold(float* lanes_left, Vector v, std::int64_t) { return store(lanes_left, v), lanes; }
  static float sum(Vector v) {
    const __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
  }

  /// 8 values of 2:4 rows meet the activations of their 16 columns: the places' bits select lanes of two registers.
  static constexpr int pick_values = 8;
  static Vector pick(const std::uint8_t* places, const float* x) {
    std::uint16_t bits;
    std::memcpy(&bits, places, 2);
    const Index shift = _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14);
    const Index group = _mm256_setr_epi32(0, 0, 4, 4, 0, 0, 4, 4);
    const Index lane = _mm256_or_si256(
        _mm256_and_si256(_mm256_srlv_epi32(_mm256_set1_epi32(bits), shift), _mm256_set1_epi32(3)), group);
    return _mm256_blend_ps(permute(load(x), lane), permute(load(x + 8), lane), 0xf0);
  }
};

#else

/// Four floats as the compiler makes them for whatever processor it is told.
struct Generic {
  using Vector = float __attribute__((vector_size(16)));
  using Index = std::int32_t __attribute__((vector_size(16)));
  using Mask = std::int64_t;  // lanes in use
  static constexpr int lanes = 4, registers = 16, panel_vectors = 4, block_panel_vectors = 8, row_sums = 4;
  static constexpr bool cheap_masks = false, fetches_ahead = false;

  static Mask first(std::int64_t n) { return n; }
  static Vector zero() { return Vector{}; }
  static Vector load(const float* p) {
    Vector v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static Vector load(const float* p, Mask mask) {
    Vector v{};
    for (Mask lane = 0; lane < mask; ++lane) v[lane] = p[lane];
    return v;
  }
  static void store(float* p, Vector v) { std::memcpy(p, &v, sizeof v); }
  static void store(float* p, Vector v, Mask mask) {
    for (Mask lane = 0; lane < mask; ++lane) p[lane] = v[lane];
  }
  static Vector broadcast(const float* p) { return Vector{} + *p; }
  static Vector add(Vector a, Vector b) { return a + b; }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return a * b + c; }
  static Index load(const std::int32_t* p, Mask mask) {
    Index v{};
    for (Mask lane = 0; lane < mask; ++lane) v[lane] = p[lane];
    return v;
  }
  static Vector gather(const float* p, const std::int32_t* i) { return Vector{p[i[0]], p[i[1]], p[i[2]], p[i[3]]}; }
  /// The first `count` lanes; the others hold zero.
  static Vector gather_first(const float* p, const std::int32_t* i, std::int64_t count) {
    Vector v{};
    for (std::int64_t lane = 0; lane < count; ++lane) v[lane] = p[i[lane]];
    return v;
  }
  static Vector permute(Vector v, Index lanes_of) { return __builtin_shuffle(v, lanes_of); }
  static Index lanes_over(std::int64_t height) { return divided_lanes<Generic>(height); }
  static int fold(float* lanes_left, Vector v, std::int64_t) { return store(lanes_left, v), lanes; }
  static float sum(Vector v) { return (v[0] + v[1]) + (v[2] + v[3]); }

  static constexpr int pick_values = 4;
  static Vector pick(const std::uint8_t* places, const float* x) {
    const unsigned bits = *places;
    return Vector{x[bits & 3], x[bits >> 2 & 3], x[4 + (bits >> 4 & 3)], x[4 + (bits >> 6 & 3)]};
  }
};

#endif

}  // namespace
}  // namespace sparsesim::measure
