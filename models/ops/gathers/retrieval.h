#pragma once
// Nearest vectors by inverted lists: a query looks through the lists whose centres are nearest to it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// The `top_k` nearest of `vectors` to each of `queries`, all of `dim` elements.
struct IvfSize {
  std::int64_t queries = 0, vectors = 0, dim = 0;
  std::int64_t lists = 0, probes = 0;  // a query scans `probes` of the lists
  std::int64_t top_k = 10;
  std::string dtype = "fp16";
  double list_skew = 0;  // exponent of the list sizes; 0: all alike
};

/// Lists and who scans them.
struct Probes {
  std::vector<std::int64_t> sizes;    // [lists] vectors
  std::vector<std::uint32_t> chosen;  // [queries, probes]
  double scanned() const;             // vectors, over all queries
};
/// Errors: TooLargeError beyond kTasksMost scans.
Probes draw_probes(const IvfSize& size, std::uint64_t seed);

/// One task per query and list: the library's `list_scan` kernel streams the list's vectors and keeps the best
/// (docs/models/retrieval.md). Lists that several queries probe are found in L2 while they are there.
/// Errors: UnsupportedError without such a kernel for the type.
Launch lower_list_scan(const IvfSize& size, const Probes& probes, const Substrate& substrate);

/// Choice of `kept` from `scores` numbers that the pass before wrote, by the library's `top_k` kernel.
Launch lower_top_k(double scores, double kept, const std::string& dtype, const Substrate& substrate);

/// Distances to all centres, choice of the lists, their scan, and the merge of what each scan kept. The dense twin
/// multiplies the queries with all vectors and chooses among all scores.
class IvfScan : public Op {
 public:
  explicit IvfScan(IvfSize size) : size_(std::move(size)) {}
  std::string_view kind() const override { return "ivf_scan"; }
  std::string_view pattern() const override { return "inverted_lists"; }
  const IvfSize& size() const { return size_; }
  Program lower(const LowerContext& context) const override;
  Program lower_dense(const LowerContext& context) const override;
  /// declared: share of the vectors that a query does not look at.
  SparsitySummary sparsity(const LowerContext& context) const override;

 private:
  IvfSize size_;
};

/// Keys: queries, vectors, dim, lists, probes, top_k (10), dtype (fp16), list_skew (0). Mistakes: more lists than
/// vectors, more probes than lists.
std::unique_ptr<Op> read_ivf_scan(config::MapReader& map);
/// Params: the keys above. Errors: UnsupportedError.
std::unique_ptr<Op> ivf_scan_from_row(const MeasuredOp& row);

}  // namespace sparsesim
