#include "models/explore/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include "models/evaluate/workload_paths.h"
#include "models/network/topology.h"
#include "models/ops/limits.h"
#include "models/ops/op.h"
#include "models/substrate/settings.h"
#include "sim/config/reader.h"

namespace sparsesim {
namespace {

using config::ConfigError;
using config::Mistake;

constexpr std::size_t kMachinesMost = 64;  // kept at a time, of some 100 KiB
constexpr std::string_view kSubstrate = "substrate.";
constexpr std::string_view kWorkload = "workload.";
constexpr std::string_view kOps = "workload.ops.";
constexpr std::array<std::string_view, 5> kModelSections = {"workload.model.", "workload.recipe.", "workload.parallel.",
                                                            "workload.pass.", "workload.dynamic."};

[[noreturn]] void refuse(const config::Position& place, const std::string& what, const std::string& hint = {}) {
  throw ConfigError(Mistake{place, what, hint, {}});
}

/// Keeps what is wrong, so that what follows is looked at, too.
template <class F>
void collect(std::vector<Mistake>& mistakes, F&& f) {
  try {
    f();
  } catch (const ConfigError& error) {
    mistakes.insert(mistakes.end(), error.mistakes().begin(), error.mistakes().end());
  }
}

/// An error in a file that was named keeps its own place; one without gets that of the name.
template <class Load>
auto at_place(const config::Position& place, Load&& load) {
  try {
    return load();
  } catch (const ConfigError& error) {
    const Mistake& first = error.mistakes().front();
    if (first.position.line > 0) throw;
    refuse(place, fmt::format("{}: {}", first.position.file, first.message), first.hint);
  }
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> steps;
  while (true) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    steps.emplace_back(path.substr(0, dot));
    if (dot == path.size()) return steps;
    path.remove_prefix(dot + 1);
  }
}

std::vector<std::string> op_names(const config::Node& tree) {
  std::vector<std::string> names;
  const auto ops = tree.find("ops");
  for (const config::Node& op : ops ? ops->items() : config::Children<config::Node>())
    if (const auto name = op.find("name")) names.push_back(name->scalar());
  return names;
}

/// Paths of a value in the tree: that of one op, or of each op that has the key.
std::vector<std::vector<std::string>> op_paths(const config::Node& tree, std::string_view rest,
                                               const config::Position& place) {
  std::vector<std::vector<std::string>> paths;
  const auto add = [&](const std::string& op, std::string_view key) {
    paths.push_back({"ops", op});
    for (std::string& step : split(key)) paths.back().push_back(std::move(step));
  };
  const std::vector<std::string> names = op_names(tree);
  if (rest.starts_with("*.")) {
    const std::string key = split(rest.substr(2)).front();
    const auto ops = tree.find("ops");
    for (const config::Node& op : ops ? ops->items() : config::Children<config::Node>())
      if (op.find("name") && op.find(key)) add(op.find("name")->scalar(), rest.substr(2));
    if (paths.empty()) refuse(place, fmt::format("no op with a name has the key \"{}\"", key));
    return paths;
  }
  std::string_view best;  // names may have dots
  for (const std::string& name : names)
    if (name.size() > best.size() && rest.starts_with(name + ".")) best = name;
  if (best.empty() && std::find(names.begin(), names.end(), rest) != names.end())
    refuse(place, fmt::format("workload.ops.{}: a key of the op is missing", rest), "as in workload.ops.NAME.KEY");
  if (best.empty()) {
    const std::string near = config::nearest(split(rest).front(), names);
    refuse(place, fmt::format("no op of {} is called \"{}\"", tree.position().file, split(rest).front()),
           near.empty() ? fmt::format("known: {}", fmt::join(names, ", ")) : fmt::format("did you mean \"{}\"?", near));
  }
  add(std::string(best), rest.substr(best.size() + 1));
  return paths;
}

/// Path of a value of a whole model; a rule of a recipe goes by the part that it is of, dots and all.
std::vector<std::string> model_path(const config::Node& tree, std::string_view path, const config::Position& place) {
  if (!tree.find("model"))
    refuse(place, fmt::format("{} is no whole model: it has no workload.{}", tree.position().file, path),
           "workload.seed or workload.ops.NAME.KEY");
  constexpr std::string_view kRecipe = "recipe.";
  if (!path.starts_with(kRecipe)) return split(path);
  const auto recipe = tree.find("recipe");
  if (recipe && recipe->type() != config::Node::Type::map)
    refuse(place, "the recipe is a list: only rules of the short form, as {mlp: 2:4}, can be parameters");
  return {"recipe", std::string(path.substr(kRecipe.size()))};
}

bool is_model_path(std::string_view path) {
  return std::any_of(kModelSections.begin(), kModelSections.end(),
                     [&](std::string_view section) { return path.starts_with(section); });
}

/// Stands for the file of a value, until its mistakes are given the place of the parameter.
std::string label_of(const sweep::Parameter& parameter, const std::string& value) {
  return fmt::format("{} = {}", parameter.path, value);
}

/// What `read` makes of the values of a setting; their mistakes get the places of their parameters.
template <class Read>
auto at_parameters(const std::vector<sweep::Parameter>& parameters, const std::vector<std::string>& setting,
                   Read&& read) {
  try {
    return read();
  } catch (const ConfigError& error) {
    std::vector<Mistake> mistakes = error.mistakes();
    for (Mistake& mistake : mistakes)
      for (std::size_t i = 0; i < parameters.size(); ++i)
        if (const std::string label = label_of(parameters[i], setting[i]); mistake.position.file == label)
          mistake = {parameters[i].place, fmt::format("{}: {}", label, mistake.message), mistake.hint, {}};
    throw ConfigError(std::move(mistakes));
  }
}

bool is_text(const sweep::Parameter& parameter) {
  return parameter.path.starts_with(kSubstrate) && is_text_leaf(parameter.path.substr(kSubstrate.size()));
}

sweep::OpRow row_of(const OpResult& op) {
  return {op.name,
          op.kind,
          op.pattern,
          op.repeat,
          op.dense_us(),
          op.sparse_us(),
          op.prediction.fallback ? op.prediction.fallback_reason : ""};
}

Resource bound(const std::array<double, kResources>& busy) {
  return static_cast<Resource>(std::max_element(busy.begin(), busy.end()) - busy.begin());
}

void fill(sweep::PointRow& row, const RunResult& result, bool waterfall) {
  row.dense_us = result.dense.us();
  row.sparse_us = result.sparse.us();
  row.realised_speedup = result.realised_speedup();
  row.ideal_speedup = result.ideal_speedup;
  row.quick_estimate = result.quick_estimate;
  row.coverage = result.coverage;
  row.bound_dense = name(bound(result.dense_busy));
  row.bound_sparse = name(bound(result.sparse_busy));
  for (const OpResult& op : result.ops) {
    row.ops.push_back(row_of(op));
    row.fallback = row.fallback || op.prediction.fallback;
  }
  if (waterfall)
    for (const LossTerm& term : result.lost) row.lost.emplace_back(term.term, term.factor);
}

}  // namespace

Study::Study(std::vector<sweep::Parameter> parameters, StudyOptions options)
    : parameters_(std::move(parameters)), options_(std::move(options)), memo_(options_.stop) {}

std::size_t Study::index_of(std::string_view path) const {
  const auto found = std::find_if(parameters_.begin(), parameters_.end(),
                                  [&](const sweep::Parameter& parameter) { return parameter.path == path; });
  if (found == parameters_.end()) throw std::logic_error(fmt::format("a study without {}", path));
  return static_cast<std::size_t>(found - parameters_.begin());
}

/// The machine's file, with what is no number set already.
const Substrate& Study::file(const std::vector<std::string>& setting) {
  const std::size_t index = index_of("substrate");
  std::vector<std::string> key = {setting[index]};
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (is_text(parameters_[i])) key.push_back(setting[i]);
  if (files_.size() >= kMachinesMost) files_.clear();
  auto& known = files_[key];
  if (known) return *known;
  known = at_parameters(parameters_, setting, [&] {
    std::vector<config::Change> changes;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (const std::string_view path = parameters_[i].path; is_text(parameters_[i]))
        changes.push_back(
            text_change(path.substr(kSubstrate.size()), setting[i], label_of(parameters_[i], setting[i])));
    return at_place(parameters_[index].place_of(setting[index]), [&] {
      return std::make_shared<const Substrate>(load_changed_substrate(setting[index], options_.substrates, changes));
    });
  });
  return *known;
}

Study::Machine Study::machine(const std::vector<std::string>& setting) {
  std::vector<std::string> key;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].path.starts_with("substrate")) key.push_back(setting[i]);
  const std::lock_guard lock(mutex_);
  if (const auto known = machines_.find(key); known != machines_.end()) return known->second;
  auto changed = std::make_shared<Substrate>(file(setting));
  std::vector<Mistake> mistakes;
  const sweep::Parameter* last = nullptr;
  const auto guarded = [&](const auto& set) {
    try {
      set();
    } catch (const SettingError& error) {
      mistakes.push_back({last->place, error.what(), {}, {}});
    }
  };
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].path.starts_with(kSubstrate) || is_text(parameters_[i])) continue;
    last = &parameters_[i];
    guarded([&] { set_number(*changed, last->path.substr(kSubstrate.size()), setting[i], "a value of the sweep"); });
  }
  if (last != nullptr && mistakes.empty()) guarded([&] { require_consistent(*changed); });
  if (!mistakes.empty()) throw ConfigError(std::move(mistakes));
  if (machines_.size() >= kMachinesMost) machines_.clear();
  Fnv1a inputs;
  inputs.add(fmt::format("{}\n{}\n", SPARSESIM_VERSION, options_.waterfall));
  dump_substrate(*changed, [&](std::string_view part) { inputs.add(part); });
  return machines_[key] = {changed, inputs};
}

config::Node Study::tree(const std::string& name, const config::Position& place) {
  const std::lock_guard lock(mutex_);
  const auto known = trees_.find(name);
  if (known != trees_.end()) return known->second;
  return trees_.emplace(name, at_place(place, [&] { return load_workload_tree(name, options_.workloads); }))
      .first->second;
}

std::vector<config::Change> Study::changes_of(std::size_t parameter, const std::string& value,
                                              const config::Node& tree) const {
  const auto& [path, values, place] = parameters_[parameter];
  if (!path.starts_with(kWorkload)) return {};
  if (value.find_first_not_of(' ') == std::string::npos)
    refuse(place, fmt::format("{}: an empty text is no value", path), "absent leaves the key out");
  config::Diagnostics diagnostics;
  const config::Node node = config::load_text(value, label_of(parameters_[parameter], value), diagnostics);
  diagnostics.throw_if_any();
  std::vector<config::Change> changes;
  if (path == "workload.seed")
    changes.push_back({{"seed"}, node});
  else if (is_model_path(path))
    changes.push_back({model_path(tree, std::string_view(path).substr(kWorkload.size()), place), node});
  else if (path.starts_with("workload.serving"))
    refuse(place, fmt::format("\"{}\" is no parameter: points are runs, not services", path),
           "sparsesim serve --rate 1,2,4,8 --points-out FILE writes latency against load");
  else if (!path.starts_with(kOps))
    refuse(place, fmt::format("\"{}\" is no parameter", path),
           "workload.seed or workload.ops.NAME.KEY; of whole models workload.model, .recipe, .parallel, .pass");
  else
    for (auto& steps : op_paths(tree, std::string_view(path).substr(kOps.size()), place))
      changes.push_back({std::move(steps), node});
  // Beside other values these show what `absent` is meant to leave out.
  const bool alone = values.list.size() == 1 && config::means_absent(node), present = config::means_present(node);
  for (const config::Change& change : changes) {
    if (const std::string wrong = wrong_workload_path(tree, change.path); !wrong.empty())
      refuse(place, fmt::format("{}: {}", path, wrong));
    if ((alone || present) && !config::has_path(tree, change.path))
      refuse(place, fmt::format("{} = {}: {} has no such key", path, value, tree.position().file));
  }
  return present ? std::vector<config::Change>() : changes;
}

Workload Study::read_changed(const config::Node& original, const std::vector<std::string>& setting) const {
  return at_parameters(parameters_, setting, [&] {
    std::vector<config::Change> edits;
    std::vector<Mistake> mistakes;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      collect(mistakes, [&] {
        for (config::Change& change : changes_of(i, setting[i], original)) edits.push_back(std::move(change));
      });
    std::optional<Workload> workload;
    collect(mistakes,
            [&] { workload = read_workload(edits.empty() ? original : config::with_changes(original, edits)); });
    if (!mistakes.empty()) throw ConfigError(std::move(mistakes));
    return *std::move(workload);
  });
}

StudyPoint Study::resolve(const std::vector<std::string>& setting) {
  if (options_.stop && *options_.stop) throw RunStopped();
  std::vector<Mistake> mistakes;
  Machine machine;
  collect(mistakes, [&] { machine = this->machine(setting); });
  const std::size_t index = index_of("workload");
  std::shared_ptr<const Workload> workload;
  collect(mistakes, [&] {
    const config::Position& place = parameters_[index].place_of(setting[index]);
    workload = std::make_shared<const Workload>(read_changed(tree(setting[index], place), setting));
  });
  if (!mistakes.empty()) throw ConfigError(std::move(mistakes));
  const std::string files = sparsesim::digest(workload->files);
  Fnv1a inputs = machine.inputs;
  inputs.add(fmt::format("\n{}\n{}\n{}", workload->resolved, workload->seed, files));
  return {machine.substrate, workload, inputs.digits()};
}

sweep::PointRow Study::simulate(const StudyPoint& point) {
  sweep::PointRow row;
  row.hash = point.hash;
  row.substrate = point.substrate->name;
  row.workload = point.workload->name;
  row.seed = point.workload->seed;
  RunOptions options;
  options.seed = row.seed;
  options.interval = false;
  options.explain = options_.waterfall;
  try {
    fill(row, run_point(point, options), options_.waterfall);
  } catch (...) {
    row.error = reason_of(std::current_exception());
  }
  return row;
}

std::string reason_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const UnsupportedError& unsupported) {
    return unsupported.what();
  } catch (const FabricError& fabric) {
    return fabric.what();
  } catch (const TooLargeError& large) {
    return large.what();
  } catch (const std::overflow_error& long_time) {  // longer than the simulator's clock goes
    return long_time.what();
  } catch (const ConfigError& config) {
    return config.mistakes().front().message;
  }
}

}  // namespace sparsesim
