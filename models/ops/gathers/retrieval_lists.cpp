#include "models/ops/gathers/retrieval_lists.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/core/random.h"

namespace sparsesim {
namespace {

/// Weights that can be drawn from and changed in logarithmic time (Fenwick tree).
class WeightTree {
 public:
  explicit WeightTree(const std::vector<std::int64_t>& weights) : tree_(weights.size() + 1) {
    for (std::size_t i = 0; i < weights.size(); ++i) add(i, weights[i]);
  }
  void add(std::size_t item, std::int64_t weight) {
    total_ += weight;
    for (std::size_t i = item + 1; i < tree_.size(); i += i & (~i + 1)) tree_[i] += weight;
  }
  /// The item in whose stretch of the summed weights `place` lies, 0 <= place < total.
  std::size_t find(std::int64_t place) const {
    std::size_t item = 0;
    for (std::size_t step = std::bit_floor(tree_.size() - 1); step > 0; step /= 2) {
      if (item + step < tree_.size() && tree_[item + step] <= place) {
        item += step;
        place -= tree_[item];
      }
    }
    return item;
  }
  std::int64_t total() const { return total_; }

 private:
  std::vector<std::int64_t> tree_;  // [items + 1]
  std::int64_t total_ = 0;
};

}  // namespace

std::vector<std::int64_t> list_sizes(std::int64_t vectors, std::int64_t lists, double skew) {
  std::vector<double> until;  // [lists] shares of all lists up to and with this one
  double sum = 0;
  for (std::int64_t list = 1; list <= lists; ++list) {
    sum += std::pow(static_cast<double>(list), -skew);
    until.push_back(sum);
  }
  std::vector<std::int64_t> sizes;
  std::int64_t before = 0;
  for (const double share : until) {
    const auto after = static_cast<std::int64_t>(std::llround(static_cast<double>(vectors) * (share / sum)));
    sizes.push_back(after - before);
    before = after;
  }
  return sizes;
}

std::vector<std::uint32_t> sample_probes(const std::vector<std::int64_t>& sizes, std::int64_t queries,
                                         std::int64_t probes, std::uint64_t seed) {
  std::vector<std::int64_t> weights(sizes.size());  // an empty list can be probed too, last of all
  std::transform(sizes.begin(), sizes.end(), weights.begin(),
                 [](std::int64_t size) { return std::max<std::int64_t>(1, size); });
  WeightTree tree(weights);
  RandomStream random(seed, "probes");
  std::vector<std::uint32_t> chosen;
  chosen.reserve(static_cast<std::size_t>(queries * probes));
  for (std::int64_t query = 0; query < queries; ++query) {
    for (std::int64_t probe = 0; probe < probes; ++probe) {
      const std::size_t list = tree.find(random.below(tree.total()));
      chosen.push_back(static_cast<std::uint32_t>(list));
      tree.add(list, -weights[list]);
    }
    for (auto i = chosen.end() - static_cast<std::ptrdiff_t>(probes); i != chosen.end(); ++i) tree.add(*i, weights[*i]);
  }
  return chosen;
}

}  // namespace sparsesim
