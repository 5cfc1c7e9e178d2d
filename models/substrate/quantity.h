#pragma once
// A number of a machine together with where it comes from.

#include <string>
#include <string_view>

namespace sparsesim {

/// How a constant is known. `spec` data sheet or arithmetic on it; `measured` by somebody on the device;
/// `fitted` to measured points that are named; `guessed` by analogy.
enum class Provenance { spec, measured, fitted, guessed };
std::string_view name(Provenance provenance);

/// A machine constant in SI base units (s, B, B/s, Hz, cycles, FLOP/s, J, W). Reads as a double where one is expected.
struct Quantity {
  double value = 0;
  Provenance kind = Provenance::guessed;
  std::string source;      // key into the file's `sources`, or free text
  std::string fitted_to;   // rows a fitted constant was fitted to
  double low = 0;          // plausible range; equal to value where the file gives none
  double high = 0;

  operator double() const { return value; }
};

}  // namespace sparsesim
