#pragma once
// Params of rows of layers and models, under one name each however a file spells them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "models/ops/measured_op.h"

namespace sparsesim {

/// Whether a space-separated list has the word.
bool lists(std::string_view words, std::string_view word);

/// The row's params under the names of workloads (docs/measurements.md).
class ModelParams {
 public:
  explicit ModelParams(const MeasuredOp& row);
  bool has(const std::string& name) const { return values_.contains(name); }
  std::string text(const std::string& name, std::string fallback = {}) const;
  /// Errors: UnsupportedError for what is no whole number.
  std::optional<std::int64_t> integer(const std::string& name) const;
  std::int64_t integer_or(const std::string& name, std::int64_t fallback) const;
  /// 0, false, no and none are not; anything else is.
  bool flag(const std::string& name, bool fallback) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace sparsesim
