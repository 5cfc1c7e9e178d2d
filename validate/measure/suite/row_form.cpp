#include "validate/measure/suite/row_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "models/ops/weights/spmm_formats.h"

namespace sparsesim {
namespace {

using config::Declared;
using config::Node;
using measure::PlanRow;

/// How the row of an op is written. Lists are space separated.
struct RowForm {
  std::string_view op;
  std::string_view m = "m", n = "n", k = "k";  // keys that become these columns
  /// Keys that rows of the op have as params; "*": all of them.
  std::string_view params = "*";
  std::string_view numeric = "";  // truths written as 1 and 0
};

constexpr std::array<RowForm, 6> kForms{{
    {.op = "gemm", .params = "accumulate"},
    {.op = "spmm", .params = "block format transposed accumulate"},
    {.op = "grouped_gemm", .params = "experts routing"},
    {.op = "moe_ffn",
     .m = "tokens",
     .n = "intermediate",
     .k = "hidden",
     .params = "experts top_k gated routing shared_experts",
     .numeric = "gated"},
    {.op = "attention", .numeric = "causal"},
    {.op = "embedding_bag", .m = "", .n = "", .k = ""},
}};
constexpr RowForm kOther{};

const RowForm& form_of(std::string_view op) {
  const auto found = std::find_if(kForms.begin(), kForms.end(), [&](const RowForm& form) { return form.op == op; });
  return found == kForms.end() ? kOther : *found;
}

bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::string_view next = list.substr(0, list.find(' '));
    if (next == word) return true;
    list.remove_prefix(std::min(list.size(), next.size() + 1));
  }
  return false;
}

/// A value of a param; lists of sizes are joined, as "16x16".
std::optional<std::string> param_text(const Node& value, bool numeric) {
  if (value.type() == Node::Type::scalar) {
    if (!numeric) return value.scalar();
    return value.scalar() == "true" ? "1" : "0";
  }
  if (value.type() != Node::Type::sequence) return std::nullopt;
  std::string text;
  for (const Node& item : value.items()) text += (text.empty() ? "" : "x") + item.scalar();
  return text;
}

std::int64_t whole(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);  // a reader has checked it
  return value;
}

/// The share of zeros is a column where it is of weights, or of attention's blocks.
bool is_sparsity(const Op& op, std::string_view key) {
  return key == "sparsity" && (op.kind() == "spmm" || op.kind() == "attention");
}

class RowMaker {
 public:
  RowMaker(const Op& op, config::MapReader& map) : form_(form_of(op.kind())), op_(op), map_(map) {
    row_.op = std::string(op.kind());
    row_.pattern = op.pattern() == "blocks" ? "block_mask" : std::string(op.pattern());
    if (const auto ratio = parse_n_of_m(row_.pattern)) row_.sparsity = 1 - static_cast<double>(ratio->kept) / ratio->of;
  }

  PlanRow make() {
    const std::vector<Declared> declared = map_.declared();  // a copy: mistakes declare, too
    for (const Declared& key : declared) add(key);
    return std::move(row_);
  }

 private:
  void add(const Declared& key) {
    const auto given = map_.node().find(key.key);
    if (key.key == "op" || key.key == "pattern") return;
    if (key.key == "dtype") {
      row_.dtype = given ? given->scalar() : key.value();
    } else if (key.key == form_.m) {
      row_.m = whole(key.value());
    } else if (key.key == form_.n) {
      row_.n = whole(key.value());
    } else if (key.key == form_.k) {
      row_.k = whole(key.value());
    } else if (key.key == "devices") {
      row_.devices = static_cast<int>(whole(key.value()));
    } else if (is_sparsity(op_, key.key)) {
      if (given) row_.sparsity = config::parse_quantity(key.value(), config::Dimension::share);
    } else if (given && !is_implied(key.key)) {
      add_param(key.key, *given);
    }
  }

  /// Blocked-ELL has as many blocks in every row: a measured row says it with the format alone.
  bool is_implied(const std::string& key) const {
    const auto format = map_.node().find("format");
    return key == "equal_rows" && op_.kind() == "spmm" && format && format->scalar() == "blocked_ell";
  }

  void add_param(const std::string& key, const Node& value) {
    const auto text = param_text(value, lists(form_.numeric, key));
    const bool known = form_.params == "*" || lists(form_.params, key);
    if (known && text && text->find_first_of(";,\"\n") == std::string::npos)
      row_.params.emplace(key, *text);
    else
      map_.mistake(key, fmt::format("a measured {} has no {}", op_.kind(), key), "leave it out (docs/measurements.md)");
  }

  const RowForm& form_;
  const Op& op_;
  config::MapReader& map_;
  PlanRow row_;
};

}  // namespace

PlanRow row_of(const Op& op, config::MapReader& map) { return RowMaker(op, map).make(); }

}  // namespace sparsesim
