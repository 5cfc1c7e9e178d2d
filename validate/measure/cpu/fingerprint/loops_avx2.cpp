#include "validate/measure/cpu/fingerprint/loops.h"

#ifdef __AVX2__
#include <immintrin.h>

namespace sparsesim::measure {
namespace {

// Small loops over sums are unrolled by order: left as loops, g++ 12 keeps the sums in memory.
constexpr int kLanes = 8;

float sum(__m256 v) {
  float lanes[kLanes];
  _mm256_storeu_ps(lanes, v);
  float total = 0;
  for (const float lane : lanes) total += lane;
  return total;
}

/// Twelve sums: more than two units of five cycles need.
float fma_loop(long rounds, const float* operands) {
  const __m256 a = _mm256_loadu_ps(operands), b = _mm256_loadu_ps(operands + kLanes);
  __m256 s[12];
#pragma GCC unroll 16
  for (auto& x : s) x = a;
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (auto& x : s) {
      x = _mm256_fmadd_ps(x, b, a);
      asm volatile("" : "+x"(x));
    }
  }
  __m256 total = s[0];
#pragma GCC unroll 16
  for (int i = 1; i < 12; ++i) total = _mm256_add_ps(total, s[i]);
  return sum(total);
}

/// Two chained multiplies (6 cycles) beside 5 vector ones: two threads of one core fit into the 12 that its two units
/// take.
std::uint64_t clock_loop(long multiplies, const float* operands) {
  const __m256 a = _mm256_loadu_ps(operands), b = _mm256_loadu_ps(operands + kLanes);
  __m256 s[5];
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
      x = _mm256_fmadd_ps(x, b, a);
      asm volatile("" : "+x"(x));
    }
  }
#pragma GCC unroll 16
  for (const auto& x : s) value += static_cast<std::uint64_t>(sum(x) == 0.125f);
  return value;
}

float read_loop(const char* data, std::size_t bytes, long sweeps) {
  __m256 s[8];
#pragma GCC unroll 16
  for (auto& x : s) x = _mm256_setzero_ps();
  for (long sweep = 0; sweep < sweeps; ++sweep) {
    asm volatile("" ::: "memory");  // the data may have changed
    for (std::size_t at = 0; at < bytes; at += 256)
#pragma GCC unroll 16
      for (std::size_t i = 0; i < 8; ++i)
        s[i] = _mm256_or_ps(s[i], _mm256_load_ps(reinterpret_cast<const float*>(data + at + 32 * i)));
  }
  __m256 total = s[0];
#pragma GCC unroll 16
  for (int i = 1; i < 8; ++i) total = _mm256_or_ps(total, s[i]);
  return sum(total);
}

void write_loop(char* data, std::size_t bytes) {
  const __m256 value = _mm256_set1_ps(1.0f);
  for (std::size_t at = 0; at < bytes; at += 256) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 8; ++i) _mm256_store_ps(reinterpret_cast<float*>(data + at + 32 * i), value);
    asm volatile("" ::: "memory");
  }
}

void write_past_loop(char* data, std::size_t bytes) {
  const __m256 value = _mm256_set1_ps(1.0f);
  for (std::size_t at = 0; at < bytes; at += 256) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 8; ++i) _mm256_stream_ps(reinterpret_cast<float*>(data + at + 32 * i), value);
    asm volatile("" ::: "memory");
  }
  _mm_sfence();
}

float overlap_loop(const char* data, std::size_t bytes, int fmas) {
  __m256 s[8];
#pragma GCC unroll 16
  for (auto& x : s) x = _mm256_setzero_ps();
  const __m256 b = _mm256_set1_ps(0.5f);
  for (std::size_t at = 0; at < bytes; at += 64) {
    s[0] = _mm256_or_ps(s[0], _mm256_load_ps(reinterpret_cast<const float*>(data + at)));
    s[1] = _mm256_or_ps(s[1], _mm256_load_ps(reinterpret_cast<const float*>(data + at + 32)));
    for (int left = fmas; left > 0; left -= 8) {
#pragma GCC unroll 16
      for (auto& x : s) {
        x = _mm256_fmadd_ps(x, b, b);
        asm volatile("" : "+x"(x));
      }
    }
  }
  __m256 total = s[0];
#pragma GCC unroll 16
  for (int i = 1; i < 8; ++i) total = _mm256_add_ps(total, s[i]);
  return sum(total);
}

float gather_loop(const float* table, const std::int32_t* indices, long count) {
  __m256 s[4];
#pragma GCC unroll 16
  for (auto& x : s) x = _mm256_setzero_ps();
  for (long i = 0; i < count; i += 4 * kLanes) {
#pragma GCC unroll 16
    for (int j = 0; j < 4; ++j) {
      const auto at = _mm256_load_si256(reinterpret_cast<const __m256i*>(indices + i + j * kLanes));
      s[j] = _mm256_or_ps(s[j], _mm256_i32gather_ps(table, at, 4));  // no arithmetic: any bits may lie there
    }
  }
  return sum(_mm256_or_ps(_mm256_or_ps(s[0], s[1]), _mm256_or_ps(s[2], s[3])));
}

/// e^x = 2^n e^r with r = x - n ln 2; the Taylor polynomial of degree 5 on |r| <= 0.35 errs by 2e-6.
void exponential_loop(const float* in, float* out, long count) {
  const __m256 log2e = _mm256_set1_ps(1.44269504f), ln2 = _mm256_set1_ps(0.693147181f), one = _mm256_set1_ps(1.0f);
  for (long i = 0; i < count; i += kLanes) {
    const __m256 x = _mm256_load_ps(in + i);
    const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, log2e), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256 r = _mm256_fnmadd_ps(n, ln2, x);
    __m256 p = _mm256_set1_ps(1.0f / 120);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
    p = _mm256_fmadd_ps(p, r, one);
    p = _mm256_fmadd_ps(p, r, one);
    const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    _mm256_store_ps(out + i, _mm256_mul_ps(p, _mm256_castsi256_ps(power)));
  }
}

/// Places are drawn a block ahead, in vectors, so that the loads themselves are all that a core has in flight.
float random_loop(const char* data, std::size_t set, std::size_t step, std::size_t bytes, long count,
                  std::uint64_t seed) {
  constexpr std::uint32_t kBlock = 512;
  std::uint32_t places[kBlock];
  const auto mask = static_cast<std::uint32_t>(set / step - 1);
  __m256 total = _mm256_setzero_ps();
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
      if (bytes < 32) {
        std::uint64_t word;
        __builtin_memcpy(&word, at, sizeof word);
        words |= word;
      } else {
        for (std::size_t j = 0; j < bytes; j += 32)
          total = _mm256_or_ps(total, _mm256_load_ps(reinterpret_cast<const float*>(at + j)));
      }
    }
  }
  return sum(total) + static_cast<float>(words & 1);
}

constexpr VectorLoops kLoops = {"AVX2",     kLanes,          12,           fma_loop,    clock_loop,       read_loop,
                                write_loop, write_past_loop, overlap_loop, gather_loop, exponential_loop, random_loop};

}  // namespace

const VectorLoops* avx2_loops() { return &kLoops; }

}  // namespace sparsesim::measure
#else
namespace sparsesim::measure {
const VectorLoops* avx2_loops() { return nullptr; }
}  // namespace sparsesim::measure
#endif
