#pragma once
// A workload: ops in order, with repeats and dependencies (docs/workloads.md describes the language).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/evaluate/host.h"
#include "models/evaluate/input_files.h"
#include "models/ops/op.h"
#include "models/substrate/substrate.h"
#include "models/whole/model_read.h"
#include "sim/config/reader.h"

namespace sparsesim {

struct WorkloadOp {
  std::string name;
  std::int64_t repeat = 1;   // the op runs this many times, one after the other
  std::int64_t bubble = 0;   // and for as long as this many times more its device waits for others of a pipeline
  std::int64_t removed = 0;  // of those runs, what structured pruning takes out: the dense twin alone has them
  std::int64_t calls = 1, sparse_calls = 1;  // of a framework in a run, where the host is one (docs/models/host.md)
  int loop = 0;            // ops with the same number, unless 0, take turns: those of a model's layers
  std::vector<int> after;  // indices of earlier ops that must be done; by default the op before it
  std::unique_ptr<Op> op;
  config::Position place;  // of the op in its file
  std::int64_t passes() const { return repeat + bubble; }
  std::int64_t sparse_passes() const { return passes() - removed; }
};

struct Workload {
  std::string name;
  std::string title;
  std::uint64_t seed = 1;
  HostKind host = HostKind::graph;
  std::vector<WorkloadOp> ops;
  std::optional<ModelRun> model;        // that the ops come from, where the file says `model` in place of `ops`
  std::optional<config::Node> serving;  // the section of that name; who serves reads it (models/serving)
  std::string resolved;                 // the whole file with every default, as YAML (--dump-config)
  std::vector<InputFile> files;         // that ops name
};

/// Reads a workload by path, or by name (with or without .yaml) from the search folders.
/// Errors: config::ConfigError with every mistake of the file: unknown kinds and keys, duplicate op names,
/// `after` naming an op that does not exist, itself, or a cycle; of a whole model what read_model_run() says.
/// Sections of a workload that other folders read (`serving`) are theirs to take out first: with_changes() of
/// sim/config/edit.h leaves keys out.
Workload load_workload(const std::string& path_or_name, const SearchPath& search);
/// The two halves of load_workload(), for whoever changes values between them (sim/config/edit.h). Errors: as there.
config::Node load_workload_tree(const std::string& path_or_name, const SearchPath& search);
Workload read_workload(const config::Node& tree);

/// Names and titles of the shipped workloads.
struct WorkloadEntry {
  std::string name, title, path;
  std::string broken;  // why the file cannot be read; empty for a sound one
};
std::vector<WorkloadEntry> list_workloads(const SearchPath& search);

/// JSON Schema of the language, made from the very readers that parse it.
/// `serving` are the keys of the section of that name, which others read; none: it is left out.
std::string workload_schema(const std::vector<config::Declared>& serving = {});

}  // namespace sparsesim
