#pragma once
// Patterns of sparse weights, and the formats that store them.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/substrate/substrate.h"

namespace sparsesim {

/// A pattern of weights: one row of the table of kinds.
struct SparseKind {
  std::string_view pattern;
  std::string_view formats;      // space separated, as a workload names them
  std::string_view description;  // one line, for `sparsesim list patterns`
};
std::span<const SparseKind> sparse_kinds();
/// The row of that pattern; `n:m` for any N:M without a row of its own. Null for unknown ones.
const SparseKind* find_sparse_kind(std::string_view pattern);
/// The formats of a row, one by one.
std::vector<std::string> formats_of(const SparseKind& kind);

/// N and M of a pattern "N:M", 1 <= N < M <= 64; nothing for another text.
struct NOfM {
  int kept = 0, of = 0;
};
std::optional<NOfM> parse_n_of_m(std::string_view pattern);
/// Patterns that keep N of every M weights: N:M and vnm.
bool is_n_of_m(std::string_view pattern);

/// The format that a product by the transpose meets: rows of the stored weights are columns of its operand, so what was
/// walked by outputs is walked by inputs. Formats whose tiles are unpacked first are read either way.
std::string transposed_format(std::string_view format);

/// Whether a kernel reads weights of `pattern` stored in `format` (empty: in any but `csc`, which nobody keeps unless
/// asked to). Kernels list the formats they walk among their patterns; those that list none walk the first of the
/// table.
bool reads_format(const Kernel& kernel, const std::string& pattern, const std::string& format, bool transposed);

}  // namespace sparsesim
