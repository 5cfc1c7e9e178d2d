#include "models/evaluate/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "models/ops/registry.h"
#include "models/whole/drawn_pass.h"
#include "models/whole/framework_calls.h"
#include "models/whole/op_text.h"
#include "sim/config/memory_file.h"
#include "sim/config/reader.h"

namespace sparsesim {

namespace {

namespace fs = std::filesystem;
using config::Declared;
using config::Diagnostics;
using config::MapReader;

/// Name and title alone, or the first mistake of a file that cannot be read.
WorkloadEntry read_entry(const fs::path& path) {
  WorkloadEntry entry{path.stem().string(), {}, path.string(), {}};
  try {
    Diagnostics ignored;  // mistakes are reported when the file is loaded
    const auto title = config::load_file(entry.path, ignored).find("title");
    if (title) entry.title = title->scalar();
  } catch (const config::ConfigError& error) {
    entry.broken = error.brief();
  }
  return entry;
}

std::string find_workload(const std::string& path_or_name, const SearchPath& search) {
  if (config::find_in_memory(path_or_name)) return path_or_name;
  std::error_code error;
  const bool plain = path_or_name.find('/') == std::string::npos;
  // A folder that happens to be called like a workload does not hide it.
  if (fs::exists(path_or_name, error) && !(plain && fs::is_directory(path_or_name, error))) return path_or_name;
  const std::string file = path_or_name.ends_with(".yaml") ? path_or_name : path_or_name + ".yaml";
  for (const auto& folder : search.folders)
    if (const auto path = fs::path(folder) / file; fs::is_regular_file(path, error)) return path.string();
  if (fs::exists(path_or_name, error)) return path_or_name;
  std::vector<std::string> known;
  for (const auto& entry : list_workloads(search)) known.push_back(entry.name);
  const std::string near = config::nearest(fs::path(path_or_name).stem().string(), known);
  throw config::ConfigError(
      config::Mistake{{path_or_name, 0, 0},
                      "no such workload file, and no shipped workload of that name",
                      near.empty() ? fmt::format("known: {}", fmt::join(known, ", "))
                                   : fmt::format("did you mean \"{}\"? (known: {})", near, fmt::join(known, ", ")),
                      ""});
}

/// Readers stay alive until every one has declared its keys, then report what is left over.
struct OpReader {
  explicit OpReader(const config::Node& node, Diagnostics& diagnostics) : map(node, diagnostics) {}
  std::unique_ptr<Diagnostics> own;  // of an op that is in no file
  MapReader map;
  bool chained = true;  // waits for the op before it: no `after` is given
  std::vector<std::pair<std::string, config::Node>> after;
};

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const auto& kind : op_kinds()) names.emplace_back(kind.name);
  return names;
}

/// `after`: a name, or a list of names; an empty list waits for nothing.
void read_after(OpReader& reader) {
  const auto after = reader.map.optional("after");
  if (!after) return;
  using Type = config::Node::Type;
  reader.chained = false;
  if (after->type() == Type::scalar) reader.after.emplace_back(after->scalar(), *after);
  if (after->type() == Type::sequence)
    for (const auto& item : after->items()) reader.after.emplace_back(item.scalar(), item);
  const auto no_name = [](const auto& entry) { return entry.first.empty(); };
  const bool names = after->type() == Type::scalar || after->type() == Type::sequence;
  if (names && std::none_of(reader.after.begin(), reader.after.end(), no_name)) return;
  reader.map.mistake("after", "after is the name of an earlier op, or a list of names");
  reader.after.clear();
}

/// Keys that a dump has only where they are given.
void read_calls(MapReader& map, WorkloadOp& op) {
  const auto calls = [&](const char* key, std::int64_t fallback) {
    const auto given = map.optional(key);
    return given ? map.integer(key, 1, 1'000'000) : fallback;
  };
  op.calls = calls("operators", 1);
  op.sparse_calls = calls("sparse_operators", op.calls);
}

WorkloadOp read_op(OpReader& reader, std::size_t index, std::string& resolved) {
  WorkloadOp result;
  MapReader& map = reader.map;
  result.place = map.node().position();
  result.name = map.text("name", fmt::format("op{}", index));
  const auto names = kind_names();
  std::vector<std::string_view> known(names.begin(), names.end());
  const std::string kind = map.choice("op", known);
  result.repeat = map.integer("repeat", 1, 1'000'000, 1);
  result.bubble = map.integer("bubble", 0, 1'000'000, 0);
  result.removed = map.integer("removed", 0, 1'000'000, 0);
  if (result.removed > result.repeat)
    map.mistake("removed", fmt::format("removed is {}, of {} runs that there are", result.removed, result.repeat));
  read_calls(map, result);
  read_after(reader);
  const auto given = map.optional("op");  // an unknown kind has no keys to check
  if (const OpKind* row = find_op_kind(kind); row != nullptr && given && given->scalar() == kind) {
    result.op = row->read(map);
    map.finish();
  }
  const char* lead = "  - ";
  for (const Declared& key : map.declared()) {
    const std::string value = key.value();
    if (value.empty() || value == "\"\"" || value == "[]") continue;  // nothing: as if it were absent
    resolved += fmt::format("{}{}: {}\n", lead, key.key, value);
    lead = "    ";
  }
  if (reader.chained) return result;
  nlohmann::json names_before = nlohmann::json::array();
  for (const auto& [before, node] : reader.after) names_before.push_back(before);
  resolved += fmt::format("    after: {}\n", names_before.dump());
  return result;
}

void resolve_dependencies(std::vector<WorkloadOp>& ops, const std::vector<std::unique_ptr<OpReader>>& readers,
                          Diagnostics& diagnostics) {
  std::map<std::string, int> index;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (!index.emplace(ops[i].name, static_cast<int>(i)).second)
      readers[i]->map.mistake("name", fmt::format("duplicate op name \"{}\"", ops[i].name));
    names.push_back(ops[i].name);
  }
  for (std::size_t i = 0; i < ops.size(); ++i) {
    for (const auto& [name, node] : readers[i]->after) {
      const auto found = index.find(name);
      if (found == index.end()) {
        const std::string near = config::nearest(name, names);
        diagnostics.add(node.position(), fmt::format("\"after\" names an op that does not exist: \"{}\"", name),
                        near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
      } else if (found->second >= static_cast<int>(i)) {
        diagnostics.add(
            node.position(),
            fmt::format("\"{}\" cannot wait for \"{}\": ops wait for earlier ones only, so that no cycle can form",
                        ops[i].name, name));
      } else {
        ops[i].after.push_back(found->second);
      }
    }
    if (readers[i]->chained && i > 0) ops[i].after.push_back(static_cast<int>(i) - 1);
  }
}

using OpReaders = std::vector<std::unique_ptr<OpReader>>;

void add_op(const config::Node& node, Diagnostics& diagnostics, Workload& workload, OpReaders& readers,
            std::string& resolved) {
  readers.push_back(std::make_unique<OpReader>(node, diagnostics));
  workload.ops.push_back(read_op(*readers.back(), workload.ops.size(), resolved));
  for (InputFile& file : input_files(node)) workload.files.push_back(std::move(file));
}

void read_ops(MapReader& top, Workload& workload, OpReaders& readers) {
  workload.resolved += "ops:\n";
  const auto ops = top.required("ops");
  if (!ops) return;
  if (ops->type() != config::Node::Type::sequence || ops->items().empty())
    top.mistake("ops", "ops must be a list of at least one op");
  for (const auto& node : ops->items()) add_op(node, top.diagnostics(), workload, readers, workload.resolved);
}

/// Those of the pass, or of the training step. A rule that training has no model of is a mistake at its line.
std::vector<ModelOp> ops_of_run(const ModelRun& run, Diagnostics& diagnostics) {
  if (!run.training) return latency_ops(run.model, run.pass);
  try {
    return training_ops(run.model, *run.training);
  } catch (const config::ConfigError& error) {
    for (const config::Mistake& mistake : error.mistakes())
      diagnostics.add(mistake.position, mistake.message, mistake.hint);
    return {};
  }
}

/// Ops that run once before or after the layers are in no loop.
void leave_loops(std::vector<WorkloadOp>& ops) {
  for (std::size_t first = 0; first < ops.size();) {
    std::size_t end = first;
    while (end < ops.size() && ops[end].loop == ops[first].loop) ++end;
    for (std::size_t i = first; i < end && ops[i].repeat == 1; ++i) ops[i].loop = 0;
    for (std::size_t i = end; i > first && ops[i - 1].repeat == 1; --i) ops[i - 1].loop = 0;
    first = end;
  }
}

/// The ops of a whole model are read as if the file had them. What one of them refuses is a mistake of the line of the
/// recipe that it follows, or of the model.
void read_model_ops(MapReader& top, Workload& workload, OpReaders& readers) {
  Diagnostics& diagnostics = top.diagnostics();
  if (const auto ops = top.optional("ops")) diagnostics.add(ops->key_position(), "give ops, or a model, not both");
  workload.model = read_model_run(top);
  workload.resolved += workload.model->resolved;
  if (!diagnostics.empty()) return;
  const auto dynamic = top.node().find("dynamic");
  if (const auto routing = dynamic ? dynamic->find("routing") : std::nullopt)
    for (InputFile& file : input_files(*routing)) workload.files.push_back(std::move(file));
  const config::Position place = top.node().key_position("model");
  std::shared_ptr<const DrawnPass> drawn;
  std::vector<DrawnSlot> slots;
  if (workload.model->model.dynamics.any()) {
    drawn = std::make_shared<const DrawnPass>(workload.model->model, workload.model->pass, place.file);
    slots = drawn->slots();
  } else {
    for (ModelOp& op : ops_of_run(*workload.model, diagnostics)) slots.push_back({std::move(op)});
  }
  for (const DrawnSlot& slot : slots) {
    const ModelOp& op = slot.op;
    auto own = std::make_unique<Diagnostics>();
    std::string text;
    add_op(op_node(op, place.file, *own), *own, workload, readers, text);
    const config::Position at = op.place.line > 0 ? op.place : place;
    WorkloadOp& added = workload.ops.back();
    added.place = at;
    if (drawn && !slot.fixed && added.op) added.op = std::make_unique<DrawnOp>(drawn, slot, std::move(added.op));
    for (const config::Mistake& mistake : own->mistakes())
      diagnostics.add(at, fmt::format("op \"{}\" of the model: {}", op.name, mistake.message), mistake.hint);
    readers.back()->own = std::move(own);
    const FrameworkCalls calls = framework_calls(op, workload.model->model);
    added.calls = calls.dense;
    added.sparse_calls = calls.sparse;
    added.loop = calls.loop;
  }
  leave_loops(workload.ops);
}

/// Reports to diagnostics that have the file's lines, so that messages quote them.
Workload read_workload(const config::Node& tree, Diagnostics& diagnostics) {
  const std::string path = tree.position().file;
  MapReader top(tree, diagnostics);
  Workload workload;
  workload.name = top.text("name", fs::path(path).stem().string());
  workload.title = top.text("title", "");
  workload.seed = static_cast<std::uint64_t>(top.integer("seed", 0, std::numeric_limits<std::int64_t>::max(), 1));
  workload.resolved = fmt::format("name: {}\n", config::yaml_text(workload.name));
  const std::string host = top.choice("host", kHostKinds, name(HostKind::graph));
  workload.host = static_cast<HostKind>(std::find(kHostKinds.begin(), kHostKinds.end(), host) - kHostKinds.begin());
  if (!workload.title.empty()) workload.resolved += fmt::format("title: {}\n", config::yaml_text(workload.title));
  workload.resolved += fmt::format("seed: {}\n", workload.seed);
  if (workload.host != HostKind::graph) workload.resolved += fmt::format("host: {}\n", host);
  std::vector<std::unique_ptr<OpReader>> readers;
  if (top.has("model"))
    read_model_ops(top, workload, readers);
  else
    read_ops(top, workload, readers);
  workload.serving = top.map("serving");
  top.finish();
  resolve_dependencies(workload.ops, readers, diagnostics);
  diagnostics.throw_if_any();
  return workload;
}

}  // namespace

Workload load_workload(const std::string& path_or_name, const SearchPath& search) {
  Diagnostics diagnostics;
  return read_workload(config::load_file(find_workload(path_or_name, search), diagnostics), diagnostics);
}

config::Node load_workload_tree(const std::string& path_or_name, const SearchPath& search) {
  Diagnostics diagnostics;
  const config::Node tree = config::load_file(find_workload(path_or_name, search), diagnostics);
  diagnostics.throw_if_any();
  return tree;
}

Workload read_workload(const config::Node& tree) {
  Diagnostics diagnostics;
  return read_workload(tree, diagnostics);
}

std::vector<WorkloadEntry> list_workloads(const SearchPath& search) {
  std::map<std::string, WorkloadEntry> found;
  std::error_code error;
  for (const auto& folder : search.folders) {
    for (const auto& file : fs::directory_iterator(folder, error)) {
      if (file.path().extension() != ".yaml") continue;
      WorkloadEntry entry = read_entry(file.path());
      found.emplace(entry.name, std::move(entry));
    }
  }
  std::vector<WorkloadEntry> entries;
  for (auto& [name, entry] : found) entries.push_back(std::move(entry));
  return entries;
}

}  // namespace sparsesim
