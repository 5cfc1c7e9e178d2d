#pragma once
// Cells of tables that compare two sides. Private to this folder.

#include <string>

namespace sparsesim {

/// Whole numbers as they are, others with four digits or so, no exponent: 0.123, 12.34, 1234.5.
std::string figure(double value);
/// "+12.3 %" from dense to sparse; empty where both are nothing.
std::string change(double dense, double sparse);

}  // namespace sparsesim
