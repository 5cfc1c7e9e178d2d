#pragma once
// Fourier transforms of the rows of a matrix, as a library runs them: whole rows in the scratchpad, one or more passes.

#include <cstdint>
#include <string>

#include "models/ops/op.h"

namespace sparsesim {

/// `rows` real transforms of `length` points; the spectrum holds length / 2 + 1 complex numbers in FP32.
struct FourierSize {
  std::int64_t rows = 0;
  std::int64_t length = 0;     // points, a power of two
  std::int64_t values = 0;     // real values per row that are there: the rest are zeros, or not wanted
  std::string dtype = "fp16";  // of the real values
  bool inverse = false;        // spectrum -> values, else values -> spectrum
};

/// Bytes of the spectrum of one row: 8 (length / 2 + 1).
double spectrum_bytes(std::int64_t length);
/// 2.5 N log2 N: half of the 5 N log2 N of a complex transform, as is usual to count them.
double fourier_flops(std::int64_t length);

/// 6 per complex number of the spectrum.
double spectrum_product_flops(std::int64_t length);

/// Appends the passes of the transform. A row longer than `longest` points takes ceil(log(length) / log(longest))
/// passes that each read and write it; between passes it is complex.
/// Constants of the `fft` kernel: threads, trips, task_bytes, longest, vector_share (docs/models/structured_matrix.md).
/// Errors: UnsupportedError without such a kernel.
void append_fourier(Program& program, const FourierSize& size, const Substrate& substrate);

/// Appends the product of `rows` spectra with that of the weights, complex number by number.
void append_spectrum_product(Program& program, std::int64_t rows, std::int64_t length, const Substrate& substrate);

/// The least power of two >= n.
std::int64_t next_power_of_two(std::int64_t n);

}  // namespace sparsesim
