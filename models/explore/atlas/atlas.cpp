#include "models/explore/atlas/atlas.h"

#include <algorithm>

#include "models/explore/atlas/asking.h"
#include "sim/core/parallel.h"

namespace sparsesim::atlas {
namespace {

using Task = std::function<void()>;

/// Every cell as a task that fills its place.
class TaskList {
 public:
  TaskList(Atlas& atlas, Points& points) : atlas_(atlas), points_(points) {
    atlas.results.resize(atlas.machines.size());
    for (std::size_t i = 0; i < atlas.machines.size(); ++i) {
      if (atlas.machines[i].is_node())
        add_node(i);
      else
        add_device(i);
    }
    if (atlas.parts.contains(Part::generations)) add_generations();
  }
  const std::vector<Task>& tasks() const { return tasks_; }

 private:
  bool wants(std::initializer_list<Part> parts) const {
    return std::any_of(parts.begin(), parts.end(), [&](Part part) { return atlas_.parts.contains(part); });
  }
  /// A task for each question, whose answer takes its place in `cells`.
  template <class Cell, class Questions, class Ask>
  void add(std::vector<Cell>& cells, const Questions& questions, Ask ask) {
    cells.resize(questions.size());
    for (std::size_t i = 0; i < questions.size(); ++i)
      tasks_.push_back([&cell = cells[i], &question = questions[i], ask] { cell = ask(question); });
  }

  void add_device(std::size_t i) {
    const Machine& machine = atlas_.machines[i];
    MachineResult& result = atlas_.results[i];
    result.weights.resize(projection_rows().size());
    for (std::size_t r = 0; r < projection_rows().size(); ++r) add_weights(machine, r, result.weights[r]);
    if (wants({Part::map}))
      add(result.kinds, kind_questions(), [this, &machine](const KindQuestion& question) {
        return kind_cell(points_, machine, atlas_.evidence, question);
      });
    if (wants({Part::units}))
      add(result.units, unit_questions(), [this, &machine](const UnitQuestion& question) {
        return unit_cell(points_, machine, atlas_.evidence, question);
      });
  }

  void add_weights(const Machine& machine, std::size_t r, std::vector<WeightCell>& cells) {
    const std::int64_t rows = projection_rows()[r];
    const bool whole = wants({Part::weights}), in_map = wants({Part::map}) && (r == kDecode || r == kPrefill);
    cells.resize(weight_patterns().size());
    for (std::size_t p = 0; p < cells.size(); ++p) {
      const bool probed = wants({Part::generations}) &&
                          std::any_of(probes().begin(), probes().end(),
                                      [&](const Probe& q) { return q.kind < 0 && q.pattern == p && q.rows == rows; });
      if (!whole && !in_map && !probed) continue;
      const WeightDepth depth{whole, whole && r == kDecode};
      tasks_.push_back([this, &machine, &cell = cells[p], &pattern = weight_patterns()[p], rows, depth] {
        cell = weight_cell(points_, machine, atlas_.evidence, pattern, rows, depth);
      });
    }
  }

  void add_node(std::size_t i) {
    if (!wants({Part::nodes})) return;
    add(atlas_.results[i].nodes, node_questions(), [this, &machine = atlas_.machines[i]](const NodeQuestion& question) {
      return node_cell(points_, machine, atlas_.evidence, question);
    });
  }

  void add_generations() {
    for (std::size_t i = 0; i < atlas_.machines.size(); ++i)
      for (std::size_t before = 0; before < atlas_.machines.size(); ++before)
        if (!atlas_.machines[i].is_node() && !atlas_.machines[before].is_node() &&
            atlas_.machines[i].predecessor == atlas_.machines[before].label)
          atlas_.generations.push_back({before, i, {}});
    for (Generation& generation : atlas_.generations)
      add(generation.steps, probes(), [this, &generation](const Probe& probe) {
        return generation_step(points_, atlas_.machines[generation.before], atlas_.machines[generation.after], probe);
      });
  }

  Atlas& atlas_;
  Points& points_;
  std::vector<Task> tasks_;
};

}  // namespace

std::optional<Atlas> make_atlas(std::vector<Machine> machines, Evidence evidence, Points& points,
                                const AtlasOptions& options) {
  Atlas atlas;
  atlas.machines = std::move(machines);
  atlas.evidence = std::move(evidence);
  atlas.parts = options.parts;
  if (atlas.parts.empty())
    for (std::size_t part = 0; part < part_names().size(); ++part) atlas.parts.insert(static_cast<Part>(part));
  const TaskList list(atlas, points);
  const auto& tasks = list.tasks();
  const auto done = [&](std::size_t n) {
    if (options.progress) options.progress(n, tasks.size());
  };
  for_each_index(
      tasks.size(), options.threads, [&](std::size_t i) { tasks[i](); }, done, options.stop);
  if (options.stop && *options.stop) return std::nullopt;
  return atlas;
}

std::vector<std::string_view> part_names() { return {"map", "weights", "units", "generations", "nodes", "granules"}; }

}  // namespace sparsesim::atlas
