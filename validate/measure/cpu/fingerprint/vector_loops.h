#pragma once
// The timed loops over vectors (loops.h), once per instruction set that includes this file.

#include "validate/measure/cpu/fingerprint/loops.h"
#include "validate/measure/cpu/kernels/simd.h"

#ifdef __AVX2__

namespace sparsesim::measure {
namespace {

// What the loops need beyond kernels: aligned memory, bits, and the instruction itself where kernels have a quicker
// way.
#ifdef __AVX512F__
struct LoopVectors : Avx512 {
  static Vector all(float x) { return _mm512_set1_ps(x); }
  static Vector load_aligned(const void* p) { return _mm512_load_ps(p); }
  static void store_aligned(void* p, Vector v) { _mm512_store_ps(p, v); }
  static void store_past(char* p, Vector v) { _mm512_stream_ps(reinterpret_cast<float*>(p), v); }
  static Vector merged(Vector a, Vector b) {
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(a), _mm512_castps_si512(b)));
  }
  static Vector gathered(const float* table, const std::int32_t* indices) {
    return _mm512_i32gather_ps(_mm512_load_si512(indices), table, 4);
  }
  static Vector whole(Vector v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static Vector power_of_two(Vector whole) {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(whole), _mm512_set1_epi32(127)), 23));
  }
};
#else
struct LoopVectors : Avx2 {
  static Vector all(float x) { return _mm256_set1_ps(x); }
  static Vector load_aligned(const void* p) { return _mm256_load_ps(static_cast<const float*>(p)); }
  static void store_aligned(void* p, Vector v) { _mm256_store_ps(static_cast<float*>(p), v); }
  static void store_past(char* p, Vector v) { _mm256_stream_ps(reinterpret_cast<float*>(p), v); }
  static Vector merged(Vector a, Vector b) { return _mm256_or_ps(a, b); }
  static Vector gathered(const float* table, const std::int32_t* indices) {
    return _mm256_i32gather_ps(table, _mm256_load_si256(reinterpret_cast<const __m256i*>(indices)), 4);
  }
  static Vector whole(Vector v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static Vector power_of_two(Vector whole) {
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23));
  }
};
#endif

using V = LoopVectors;
using Vector = V::Vector;
constexpr std::size_t kVectorBytes = sizeof(Vector);

// Small loops over sums are unrolled by order: left as loops, g++ 12 keeps the sums in memory.
/// Twelve sums: more than two units of five cycles need.
float fma_loop(long rounds, const float* operands) {
  const Vector a = V::load(operands), b = V::load(operands + V::lanes);
  Vector s[12];
#pragma GCC unroll 16
  for (auto& x : s) x = a;
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (auto& x : s) {
      x = V::multiply_add(x, b, a);
      asm volatile("" : "+v"(x));
    }
  }
  Vector total = s[0];
#pragma GCC unroll 16
  for (int i = 1; i < 12; ++i) total = V::add(total, s[i]);
  return V::sum(total);
}

#ifdef __AVX512F__
/// fma_loop with another step: sums of products of short numbers.
template <class Step>
float dot_loop(long rounds, const Step& step) {
  Vector s[12];
  const Vector a = V::zero();
#pragma GCC unroll 16
  for (auto& x : s) x = V::zero();
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (auto& x : s) step(x, a);
  }
  Vector total = s[0];
#pragma GCC unroll 16
  for (int i = 1; i < 12; ++i) total = V::merged(total, s[i]);
  return V::sum(total);
}

// By name: the file is compiled for processors that lack them, too.
float dot_bf16_loop(long rounds) {
  return dot_loop(rounds, [](Vector& x, Vector a) { asm volatile("vdpbf16ps %1, %1, %0" : "+v"(x) : "v"(a)); });
}
float dot_int8_loop(long rounds) {
  return dot_loop(rounds, [](Vector& x, Vector a) { asm volatile("vpdpbusd %1, %1, %0" : "+v"(x) : "v"(a)); });
}
#else
constexpr float (*dot_bf16_loop)(long) = nullptr;
constexpr float (*dot_int8_loop)(long) = nullptr;
#endif

/// Two chained multiplies (6 cycles) beside 5 vector ones: two threads of one core fit into the 12 that its two units
/// take.
std::uint64_t clock_loop(long multiplies, const float* operands) {
  const Vector a = V::load(operands), b = V::load(operands + V::lanes);
  Vector s[5];
#pragma GCC unroll 16
  for (auto& x : s) x = a;
  std::uint64_t value = 3;
  std::uint64_t factor = 5;
  asm volatile("" : "+r"(factor));  // unknown to the compiler, which would add and shift instead
  for (long i = 0; i < multiplies; i += 2) {
    value *= factor;
    asm volatile("" : "+r"(value));
    value *= factor;
    asm volatile("" : "+r"(value));
#pragma GCC unroll 16
    for (auto& x : s) {
      x = V::multiply_add(x, b, a);
      asm volatile("" : "+v"(x));
    }
  }
#pragma GCC unroll 16
  for (const auto& x : s) value += static_cast<std::uint64_t>(V::sum(x) == 0.125f);
  return value;
}

float read_loop(const char* data, std::size_t bytes, long sweeps) {
  Vector s[8];
#pragma GCC unroll 16
  for (auto& x : s) x = V::zero();
  for (long sweep = 0; sweep < sweeps; ++sweep) {
    asm volatile("" ::: "memory");  // the data may have changed
    for (std::size_t at = 0; at < bytes; at += 8 * kVectorBytes)
#pragma GCC unroll 16
      for (std::size_t i = 0; i < 8; ++i) s[i] = V::merged(s[i], V::load_aligned(data + at + kVectorBytes * i));
  }
  Vector total = s[0];
#pragma GCC unroll 16
  for (int i = 1; i < 8; ++i) total = V::merged(total, s[i]);
  return V::sum(total);
}

void write_loop(char* data, std::size_t bytes) {
  const Vector value = V::all(1.0f);
  for (std::size_t at = 0; at < bytes; at += 8 * kVectorBytes) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 8; ++i) V::store_aligned(data + at + kVectorBytes * i, value);
    asm volatile("" ::: "memory");
  }
}

void write_past_loop(char* data, std::size_t bytes) {
  const Vector value = V::all(1.0f);
  for (std::size_t at = 0; at < bytes; at += 8 * kVectorBytes) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 8; ++i) V::store_past(data + at + kVectorBytes * i, value);
    asm volatile("" ::: "memory");
  }
  _mm_sfence();
}

float overlap_loop(const char* data, std::size_t bytes, int fmas) {
  Vector s[8];
#pragma GCC unroll 16
  for (auto& x : s) x = V::zero();
  const Vector b = V::all(0.5f);
  for (std::size_t at = 0; at < bytes; at += 64) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 64 / kVectorBytes; ++i)
      s[i] = V::merged(s[i], V::load_aligned(data + at + kVectorBytes * i));
    for (int left = fmas; left > 0; left -= 8) {
#pragma GCC unroll 16
      for (auto& x : s) {
        x = V::multiply_add(x, b, b);
        asm volatile("" : "+v"(x));
      }
    }
  }
  Vector total = s[0];
#pragma GCC unroll 16
  for (int i = 1; i < 8; ++i) total = V::add(total, s[i]);
  return V::sum(total);
}

float gather_loop(const float* table, const std::int32_t* indices, long count) {
  Vector s[4];
#pragma GCC unroll 16
  for (auto& x : s) x = V::zero();
  for (long i = 0; i < count; i += 4 * V::lanes) {
#pragma GCC unroll 16
    for (int j = 0; j < 4; ++j)
      s[j] = V::merged(s[j], V::gathered(table, indices + i + j * V::lanes));  // no arithmetic: any bits may lie there
  }
  return V::sum(V::merged(V::merged(s[0], s[1]), V::merged(s[2], s[3])));
}

/// e^x = 2^n e^r with r = x - n ln 2; the Taylor polynomial of degree 5 on |r| <= 0.35 errs by 2e-6.
void exponential_loop(const float* in, float* out, long count) {
  const Vector log2e = V::all(1.44269504f), minus_ln2 = V::all(-0.693147181f), one = V::all(1.0f);
  for (long i = 0; i < count; i += V::lanes) {
    const Vector x = V::load_aligned(in + i);
    const Vector n = V::whole(x * log2e);
    const Vector r = V::multiply_add(n, minus_ln2, x);
    Vector p = V::all(1.0f / 120);
    p = V::multiply_add(p, r, V::all(1.0f / 24));
    p = V::multiply_add(p, r, V::all(1.0f / 6));
    p = V::multiply_add(p, r, V::all(0.5f));
    p = V::multiply_add(p, r, one);
    p = V::multiply_add(p, r, one);
    V::store_aligned(out + i, p * V::power_of_two(n));
  }
}

/// Places are drawn a block ahead, in vectors, so that the loads themselves are all that a core has in flight.
float random_loop(const char* data, std::size_t set, std::size_t step, std::size_t bytes, long count,
                  std::uint64_t seed) {
  constexpr std::uint32_t kBlock = 512;
  std::uint32_t places[kBlock];
  const auto mask = static_cast<std::uint32_t>(set / step - 1);
  Vector total = V::zero();
  std::uint64_t words = 0;
  auto number = static_cast<std::uint32_t>(seed * 0x9E3779B1u);
  for (long done = 0; done < count; done += kBlock, number += kBlock) {
    for (std::uint32_t i = 0; i < kBlock; ++i) {  // MurmurHash3's finalizer
      std::uint32_t hash = number + i;
      hash = (hash ^ hash >> 16) * 0x85EBCA6Bu;
      hash = (hash ^ hash >> 13) * 0xC2B2AE35u;
      places[i] = (hash ^ hash >> 16) & mask;
    }
    const long rest = count - done < kBlock ? count - done : kBlock;
    for (long i = 0; i < rest; ++i) {
      const char* at = data + places[i] * step;
      if (bytes < kVectorBytes) {
        std::uint64_t word;
        __builtin_memcpy(&word, at, sizeof word);
        words |= word;
      } else {
        for (std::size_t j = 0; j < bytes; j += kVectorBytes) total = V::merged(total, V::load_aligned(at + j));
      }
    }
  }
  return V::sum(total) + static_cast<float>(words & 1);
}

constexpr VectorLoops loops_of(const char* name) {
  return {
      name,       V::lanes,        12,           fma_loop,    dot_bf16_loop,    dot_int8_loop, clock_loop, read_loop,
      write_loop, write_past_loop, overlap_loop, gather_loop, exponential_loop, random_loop};
}

}  // namespace
}  // namespace sparsesim::measure

#endif
