#pragma once
// Texts of ops in training, made from those of a forward pass. Private to this folder.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/whole/training_step.h"

namespace sparsesim {

/// "op: gemm, m: 16, block: [2, 2]" by key.
class KeyList {
 public:
  explicit KeyList(const std::string& text);
  std::string get(std::string_view key) const;  // empty where it is not there
  /// "key: value" of those of the given keys that are there.
  std::string only(std::initializer_list<std::string_view> wanted) const;
  /// All but `op`.
  std::string operands() const;

 private:
  std::vector<std::pair<std::string, std::string>> keys_;
};

/// A product with sparse weights, as a part of training_linear: backward or masks. Errors: as training_ops().
std::string sparse_part(const ModelOp& op, const char* part, const TrainingStep& step);
/// The backward pass of an op; exchanges turn round: what was gathered is scattered. Errors: as training_ops().
std::string backward_keys(const ModelOp& op, const TrainingStep& step);
/// The forward pass of an op in training: attention keeps no cache.
std::string forward_keys(const ModelOp& op);

}  // namespace sparsesim
