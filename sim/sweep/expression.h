#pragma once
// Comparisons between parameters: which points of the product belong to a sweep (docs/sweep.md).

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim::sweep {

/// One comparison of two expressions in + - * / ( ), numbers with units and parameters.
class Condition {
 public:
  /// Errors: reported at `place`, with the column in the text; parameters are named by their paths.
  static Condition parse(const std::string& text, const std::vector<std::string>& parameters,
                         const config::Position& place, config::Diagnostics& diagnostics);
  /// Whether it holds for these values, one per parameter; NaN stands for a text. Division by zero gives infinity.
  bool holds(std::span<const double> values) const;
  /// The parameters that it uses.
  const std::vector<std::size_t>& used() const { return used_; }

 private:
  friend class ConditionParser;
  /// Reverse Polish: a number is pushed, a parameter's value is pushed, an operator takes two.
  struct Step {
    char operation = '#';  // # number, p parameter, + - * / ~ (negation)
    double number = 0;
    std::size_t parameter = 0;
  };
  static double value(const std::vector<Step>& steps, std::span<const double> values);

  std::vector<Step> left_, right_;
  std::string comparison_;
  std::vector<std::size_t> used_;
};

}  // namespace sparsesim::sweep
