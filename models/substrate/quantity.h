#pragma once
// A number of a machine together with where it comes from.

#include <string>
#include <string_view>

#include "sim/config/reader.h"

namespace sparsesim {

/// How a constant is known. `spec` data sheet or arithmetic on it; `measured` by somebody on the device;
/// `fitted` to measured points that are named; `guessed` by analogy.
enum class Provenance { spec, measured, fitted, guessed };
std::string_view name(Provenance provenance);

/// A machine constant in SI base units (s, B, B/s, Hz, cycles, FLOP/s, J, W). Reads as a double where one is expected.
struct Quantity {
  double value = 0;
  Provenance kind = Provenance::guessed;
  std::string source;     // keys into Substrate::sources, joined with ", "
  std::string fitted_to;  // rows a fitted constant was fitted to
  double low = 0;         // plausible range; equal to value where the file gives none
  double high = 0;
  std::string note;  // what the number assumes; empty where the source says it all
  /// Of the named constants of kernels and collectives, whose unit the file decides; elsewhere the table of visit()
  /// decides.
  config::Dimension dimension = config::Dimension::none;

  operator double() const { return value; }
  /// Whether a file gave this number (all numbers have a source).
  bool given() const { return !source.empty(); }
};

/// A whole number of a machine together with where it comes from. Reads as an int.
struct Count {
  Quantity quantity;

  Count(int count = 0) { quantity.value = quantity.low = quantity.high = count; }
  operator int() const { return static_cast<int>(quantity.value); }
};

}  // namespace sparsesim
