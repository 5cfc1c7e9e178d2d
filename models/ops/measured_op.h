#pragma once
// The operation of one measured row, before a family turns it into an Op.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace sparsesim {

/// What one row of a measurement file ran. Sizes are 0 where the row leaves them empty.
struct MeasuredOp {
  std::string op;  // gemm, moe_ffn, attention, all_reduce, ...
  int devices = 1;
  std::int64_t m = 0, n = 0, k = 0;  // activations [m, k] times weights [k, n]
  std::string dtype;                 // of the multiplied operands
  std::string pattern;               // of the weights
  std::optional<double> sparsity;    // share of zeros, 0..1; nothing where it follows from params
  std::map<std::string, std::string> params;
  std::string kernel;  // "library:cublas"; who ran
  std::string masks;   // folder of named masks; empty: none at hand
};

}  // namespace sparsesim
