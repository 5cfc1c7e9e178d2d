#include "models/substrate/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "models/substrate/absent.h"
#include "models/substrate/quantity_reader.h"
#include "models/substrate/substrate_check.h"
#include "models/substrate/vocabulary.h"
#include "sim/config/reader.h"

namespace sparsesim {
namespace {

std::string limits_of(const config::Range& range) {
  if (range.high <= 1) return fmt::format(" from {} to {}", range.low, range.high);
  return range.low_open ? " above 0" : " of 0 or more";
}

void put(Quantity& quantity, config::Dimension dimension, const std::string& path, const std::string& text,
         const std::string& source) {
  const config::Range range = allowed_range(dimension);
  const auto value = config::parse_quantity(text, dimension);
  if (!value || *value > range.high || (range.low_open ? *value <= range.low : *value < range.low))
    throw SettingError(fmt::format("{}: \"{}\" is not a {}{}", path, text, config::name(dimension), limits_of(range)));
  quantity.value = quantity.low = quantity.high = *value;
  quantity.kind = Provenance::guessed;
  quantity.source = source;
}

/// The place of a rate "compute.pipes.tensor.DTYPE.n_of_m.N:M" that is not there yet.
Quantity* new_n_of_m(Substrate& substrate, const std::string& path) {
  for (auto& [dtype, rate] : substrate.compute.pipes.tensor) {
    const std::string head = fmt::format("compute.pipes.tensor.{}.n_of_m.", dtype);
    if (!path.starts_with(head)) continue;
    int kept = 0, of = 0, end = 0;
    const std::string pattern = path.substr(head.size());
    const bool parsed = std::sscanf(pattern.c_str(), "%2d:%2d%n", &kept, &of, &end) == 2;
    if (parsed && static_cast<std::size_t>(end) == pattern.size() && kept > 0 && of > kept)
      return &rate.n_of_m[fmt::format("{}:{}", kept, of)];
  }
  return nullptr;
}

constexpr std::string_view kTextLeaves[] = {"devices",      "product",         "architecture",
                                            "fabric",       "fabric.topology", "fabric.devices",
                                            "fabric.nodes", "fabric.switches", "memory.numa.placement"};

/// Keys on the way to a leaf that is no number; nothing for another path.
std::vector<std::string> text_path(std::string_view path) {
  constexpr std::string_view kKernels = "kernels.";
  const auto dot = path.rfind('.');
  if (std::find(std::begin(kTextLeaves), std::end(kTextLeaves), path) != std::end(kTextLeaves)) {
    std::vector<std::string> keys;
    for (std::size_t begin = 0, end; begin <= path.size(); begin = end + 1) {
      end = std::min(path.find('.', begin), path.size());
      keys.emplace_back(path.substr(begin, end - begin));
    }
    return keys;
  }
  if (!path.starts_with(kKernels) || dot < kKernels.size()) return {};
  const std::string_view leaf = path.substr(dot + 1);
  if (std::find(kKernelShapeKeys.begin(), kKernelShapeKeys.end(), leaf) == kKernelShapeKeys.end()) return {};
  return {"kernels", std::string(path.substr(kKernels.size(), dot - kKernels.size())), std::string(leaf)};
}

}  // namespace

bool is_text_leaf(std::string_view path) { return !text_path(path).empty(); }

config::Change text_change(std::string_view path, const std::string& text, const std::string& label) {
  config::Diagnostics diagnostics;
  const config::Node value = config::load_text(text, label, diagnostics);
  if (config::means_absent(value))
    diagnostics.add({label, 0, 0}, fmt::format("{} is always there: it cannot be absent", path),
                    path == "fabric" ? "fabric=none drops the links" : "");
  diagnostics.throw_if_any();
  return {text_path(path), value};
}

Substrate load_substrate_with(const std::string& path_or_name, const SearchPath& search,
                              const std::vector<Setting>& settings, const std::string& source) {
  std::vector<config::Change> changes;
  for (const Setting& setting : settings)
    if (is_text_leaf(setting.path)) changes.push_back(text_change(setting.path, setting.text, setting.label));
  Substrate substrate = load_changed_substrate(path_or_name, search, changes);
  for (const Setting& setting : settings)
    if (!is_text_leaf(setting.path)) set_number(substrate, setting.path, setting.text, source);
  if (changes.size() < settings.size()) require_consistent(substrate);
  return substrate;
}

void set_number(Substrate& substrate, const std::string& path, const std::string& text, const std::string& source) {
  if (text == config::kAbsent && take_away(substrate, path)) return;
  if (text == config::kPresent) {
    if (has_at(substrate, path)) return;
    throw SettingError(fmt::format("{}: {} has nothing there that could be present", path, substrate.name));
  }
  std::vector<std::string> known(std::begin(kTextLeaves), std::end(kTextLeaves));
  for (const auto& fields : {fixed_fields(substrate), named_fields(substrate)}) {
    for (const Field& field : fields) {
      if (field.path == path) return put(*field.quantity, field.dimension, path, text, source);
      known.push_back(field.path);
    }
  }
  if (Quantity* quantity = text == config::kAbsent ? nullptr : new_n_of_m(substrate, path))
    return put(*quantity, config::Dimension::none, path, text, source);
  const std::string near = config::nearest(path, known);
  throw SettingError(
      fmt::format("unknown path \"{}\"{}", path,
                  near.empty() ? "; --dump-config prints all" : fmt::format("; did you mean \"{}\"?", near)));
}

void require_consistent(const Substrate& substrate) {
  config::Diagnostics contradictions;
  check_complete(substrate, {}, {}, contradictions);
  check_consistent(substrate, {}, {}, contradictions);
  if (!contradictions.empty()) throw SettingError(contradictions.mistakes().front().message);
}

}  // namespace sparsesim
