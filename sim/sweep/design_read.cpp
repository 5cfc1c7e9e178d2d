// How the design of a sweep is read from a specification and from a command line.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "sim/sweep/design.h"

namespace sparsesim::sweep {

using config::Node;

class DesignReader {
 public:
  DesignReader(const Request& request, config::Diagnostics& diagnostics)
      : request_(request), diagnostics_(diagnostics) {}

  Design read() {
    std::optional<Node> file;
    if (!request_.file.empty()) file = config::load_file(request_.file, diagnostics_);
    read_file(file.value_or(config::load_text("{}", "command line", diagnostics_)));
    for (const std::string& text : request_.vary) add_inline(text);
    for (const std::string& text : request_.where) add_condition(text, {"--where", 0, 0});
    for (const std::string input : {"substrate", "workload"})
      if (!find(input))
        diagnostics_.add(file ? file->position() : config::Position{"--" + input, 0, 0},
                         fmt::format("no {} is given", input));
    finish();
    return std::move(design_);
  }

 private:
  void read_file(const Node& root) {
    config::MapReader map(root, diagnostics_);
    design_.title_ = map.text("title", "");
    if (const auto sample = map.map("sample")) read_sampling(*sample);
    read_inputs(map, "substrate", request_.substrate);
    read_inputs(map, "workload", request_.workload);
    if (const auto vary = map.map("vary"))
      for (const auto& [path, values] : vary->entries()) add(path, values, vary->key_position(path));
    const std::vector<std::string> where = map.texts("where", 256);
    for (std::size_t i = 0; i < where.size(); ++i)
      if (!where[i].empty()) conditions_.emplace_back(where[i], root.find("where")->items()[i].position());
    map.finish();
  }

  void read_sampling(const Node& node) {
    static constexpr std::array<std::string_view, 2> kMethods = {"random", "sobol"};
    config::MapReader map(node, diagnostics_);
    design_.sampling_ = map.choice("method", kMethods) == "sobol" ? Sampling::sobol : Sampling::random;
    samples_ = map.integer("points", 1, kPointsMost);
    design_.seed_ = static_cast<std::uint64_t>(map.integer("seed", 0, std::int64_t{1} << 40, 1));
    map.finish();
  }

  /// `substrate` or `workload`: from the options, or from the file.
  void read_inputs(config::MapReader& map, const std::string& key, const std::string& given) {
    const auto node = map.optional(key);
    if (!given.empty())
      add(key, config::load_text(inline_values(given), "--" + key, diagnostics_), {"--" + key, 0, 0});
    else if (node)
      add_files(key, *node, map.node().key_position(key));
  }

  /// Names of files that lie beside the specification become paths.
  void add_files(const std::string& key, const Node& node, const config::Position& place) {
    add(key, node, place);
    const std::filesystem::path folder = std::filesystem::path(request_.file).parent_path();
    std::error_code error;
    for (std::string& name : design_.parameters_.back().values.list)
      if (std::filesystem::is_regular_file(folder / name, error)) name = (folder / name).string();
  }

  void add_inline(const std::string& text) {
    const std::string label = "--vary " + text;
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return diagnostics_.add({label, 0, 0}, "expected PATH=VALUES", "as in --vary workload.seed=1,2,3");
    add(text.substr(0, equals), config::load_text(inline_values(text.substr(equals + 1)), label, diagnostics_),
        {label, 0, 0});
  }

  void add_condition(const std::string& text, const config::Position& place) { conditions_.emplace_back(text, place); }

  Parameter* find(const std::string& path) {
    for (Parameter& parameter : design_.parameters_)
      if (parameter.path == path) return &parameter;
    return nullptr;
  }

  /// On a command line a path of the file replaces its values; a path given twice in one of them has no answer.
  void add(const std::string& path, const Node& values, const config::Position& place) {
    const std::size_t before = diagnostics_.mistakes().size();
    require_parameter(path, place, diagnostics_);
    const bool sampled = design_.sampling_ != Sampling::grid;
    Parameter parameter{path, read_values(values, path, sampled, diagnostics_), place};
    if (diagnostics_.mistakes().size() > before || diagnostics_.full()) parameter.values = {};
    const auto of_file = [](const config::Position& at) { return at.line > 0; };
    Parameter* known = find(path);
    if (!known)
      design_.parameters_.push_back(std::move(parameter));
    else if (of_file(known->place) == of_file(place))
      diagnostics_.add(place, fmt::format("{} is given twice", path));
    else if (of_file(known->place))
      *known = std::move(parameter);
  }

  void finish() {
    const std::vector<std::string> paths = design_.paths();
    for (const auto& [text, place] : conditions_) {
      const std::size_t before = diagnostics_.mistakes().size();
      Condition condition = Condition::parse(text, paths, place, diagnostics_);
      for (const std::size_t used : condition.used()) require_numbers(used, text, place);
      const bool sound = diagnostics_.mistakes().size() == before && !diagnostics_.full() &&
                         std::all_of(condition.used().begin(), condition.used().end(),
                                     [&](std::size_t used) { return has_values(design_.parameters_[used]); });
      if (!sound) continue;
      design_.condition_texts_.push_back(text);
      design_.conditions_.push_back(std::move(condition));
    }
    if (design_.sampling_ != Sampling::grid) {
      design_.size_ = samples_;
      return;
    }
    for (const Parameter& parameter : design_.parameters_) {
      const auto values = static_cast<std::int64_t>(parameter.values.list.size());
      if (values == 0) continue;  // its mistake is said
      if (design_.size_ > kPointsMost / values)
        return diagnostics_.add(parameter.place,
                                fmt::format("the product of all values has more than {} points", kPointsMost));
      design_.size_ *= values;
    }
  }

  static bool has_values(const Parameter& parameter) {
    return !parameter.values.list.empty() || parameter.values.range;
  }

  void require_numbers(std::size_t used, const std::string& text, const config::Position& place) {
    const Parameter& parameter = design_.parameters_[used];
    for (const std::string& value : parameter.values.list)
      if (!numeric(value))
        return diagnostics_.add(
            place, fmt::format("where \"{}\": {} may be \"{}\", which is no number", text, parameter.path, value));
  }

  const Request& request_;
  config::Diagnostics& diagnostics_;
  Design design_;
  std::int64_t samples_ = 0;
  std::vector<std::pair<std::string, config::Position>> conditions_;
};

/// What paths of the two languages begin with.
constexpr std::string_view kSections[] = {"ops", "model", "recipe", "parallel", "pass", "training", "dynamic", "seed"};
constexpr std::string_view kGroups[] = {"compute", "dispatch", "memory", "fabric", "power", "kernels", "devices"};

bool require_parameter(const std::string& path, const config::Position& place, config::Diagnostics& diagnostics) {
  for (const std::string input : {"substrate", "workload"})
    if (path == input || path.starts_with(input + ".")) return true;
  const std::string_view first = std::string_view(path).substr(0, path.find('.'));
  const bool of_workload = std::find(std::begin(kSections), std::end(kSections), first) != std::end(kSections);
  const bool of_machine = std::find(std::begin(kGroups), std::end(kGroups), first) != std::end(kGroups);
  std::string hint = "substrate, workload, substrate.PATH, workload.seed or workload.ops.NAME.KEY";
  if (of_workload || of_machine)
    hint = fmt::format("did you mean \"{}.{}\"?", of_workload ? "workload" : "substrate", path);
  else if (const std::string near = config::nearest(first, std::vector<std::string>{"substrate", "workload"});
           !near.empty())
    hint = fmt::format("did you mean \"{}{}\"?", near, std::string_view(path).substr(first.size()));
  diagnostics.add(place, fmt::format("\"{}\" is no parameter", path), std::move(hint));
  return false;
}

Design Design::read(const Request& request, config::Diagnostics& diagnostics) {
  return DesignReader(request, diagnostics).read();
}

Design Design::read(const Request& request) {
  config::Diagnostics diagnostics;
  Design design = read(request, diagnostics);
  diagnostics.throw_if_any();
  return design;
}

}  // namespace sparsesim::sweep
