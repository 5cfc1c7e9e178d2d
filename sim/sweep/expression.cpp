#include "sim/sweep/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

#include "sim/config/reader.h"
#include "sim/sweep/values.h"

namespace sparsesim::sweep {
namespace {

/// What is wrong, and where in the text.
struct ExpressionError : std::runtime_error {
  ExpressionError(const std::string& what, std::size_t where) : std::runtime_error(what), at(where) {}
  std::size_t at;
};

constexpr std::array<std::string_view, 6> kComparisons = {"<=", ">=", "==", "!=", "<", ">"};
constexpr int kDepthMost = 64;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '%'; }

}  // namespace

/// sum := product {(+|-) product}; product := factor {(*|/) factor}; factor := number | parameter | -factor | (sum)
class ConditionParser {
 public:
  ConditionParser(std::string_view text, const std::vector<std::string>& parameters)
      : text_(text), parameters_(parameters) {}

  Condition parse() {
    Condition result;
    sum(result.left_);
    const auto comparison = std::find_if(kComparisons.begin(), kComparisons.end(),
                                         [&](std::string_view c) { return text_.substr(at_).starts_with(c); });
    if (comparison == kComparisons.end()) fail("expected <, <=, >, >=, == or !=");
    result.comparison_ = *comparison;
    at_ += comparison->size();
    sum(result.right_);
    if (at_ != text_.size()) fail("expected the end");
    result.used_ = used_;
    return result;
  }

 private:
  using Steps = std::vector<Condition::Step>;

  [[noreturn]] void fail(const std::string& what) const { throw ExpressionError(what, at_); }
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void sum(Steps& out) {
    product(out);
    while (true) {
      const char operation = take('+') ? '+' : take('-') ? '-' : ' ';
      if (operation == ' ') return skip();
      product(out);
      out.push_back({operation});
    }
  }

  void product(Steps& out) {
    factor(out);
    while (true) {
      const char operation = take('*') ? '*' : take('/') ? '/' : ' ';
      if (operation == ' ') return;
      factor(out);
      out.push_back({operation});
    }
  }

  void factor(Steps& out) {
    if (++depth_ > kDepthMost) fail("too deep");
    if (take('-')) {
      factor(out);
      out.push_back({'~'});
    } else if (take('(')) {
      sum(out);
      if (!take(')')) fail("expected )");
    } else if (!parameter(out)) {
      number(out);
    }
    --depth_;
  }

  /// Paths hold characters that are operators elsewhere, so the longest path that fits is taken first.
  bool parameter(Steps& out) {
    skip();
    const std::string_view rest = text_.substr(at_);
    std::size_t best = parameters_.size();
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const std::string& path = parameters_[i];
      const bool fits = rest.starts_with(path) && (rest.size() == path.size() || !is_word(rest[path.size()]));
      if (fits && (best == parameters_.size() || path.size() > parameters_[best].size())) best = i;
    }
    if (best == parameters_.size()) return false;
    at_ += parameters_[best].size();
    out.push_back({'p', 0, best});
    used_.push_back(best);
    return true;
  }

  /// A number and, where the next word is a unit, the unit.
  void number(Steps& out) {
    const std::size_t begin = at_;
    const auto word = [&] {
      while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    };
    word();
    std::size_t end = at_;
    skip();
    const std::size_t unit = at_;
    while (at_ < text_.size() && (is_word(text_[at_]) || text_[at_] == '/')) ++at_;
    if (at_ > unit && numeric(text_.substr(begin, at_ - begin))) end = at_;
    at_ = end;
    const std::string_view text = text_.substr(begin, end - begin);
    const auto value = numeric(text);
    if (!value) {
      at_ = begin;
      const std::string near = config::nearest(text, parameters_);
      fail(text.empty() ? "expected a number or a parameter"
                        : fmt::format("\"{}\" is neither a number nor a parameter of this sweep{}", text,
                                      near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    }
    out.push_back({'#', *value});
    skip();
  }

  std::string_view text_;
  const std::vector<std::string>& parameters_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::vector<std::size_t> used_;
};

Condition Condition::parse(const std::string& text, const std::vector<std::string>& parameters,
                           const config::Position& place, config::Diagnostics& diagnostics) {
  try {
    return ConditionParser(text, parameters).parse();
  } catch (const ExpressionError& error) {
    diagnostics.add(place, fmt::format("where \"{}\": {} at character {}", text, error.what(), error.at + 1));
    return {};
  }
}

double Condition::value(const std::vector<Step>& steps, std::span<const double> values) {
  std::vector<double> stack;
  for (const Step& step : steps) {
    if (step.operation == '#') {
      stack.push_back(step.number);
    } else if (step.operation == 'p') {
      stack.push_back(values[step.parameter]);
    } else if (step.operation == '~') {
      stack.back() = -stack.back();
    } else {
      const double right = stack.back();
      stack.pop_back();
      double& left = stack.back();
      if (step.operation == '+') left += right;
      if (step.operation == '-') left -= right;
      if (step.operation == '*') left *= right;
      if (step.operation == '/') left /= right;
    }
  }
  return stack.back();
}

bool Condition::holds(std::span<const double> values) const {
  const double left = value(left_, values), right = value(right_, values);
  if (comparison_ == "<") return left < right;
  if (comparison_ == "<=") return left <= right;
  if (comparison_ == ">") return left > right;
  if (comparison_ == ">=") return left >= right;
  return (left == right) == (comparison_ == "==");
}

}  // namespace sparsesim::sweep
