// load_substrate: follows base, fabric and architecture from file to file, then checks the whole.

#include <algorithm>
#include <filesystem>

#include "models/substrate/complete.h"
#include "models/substrate/head_reader.h"
#include "models/substrate/settings.h"
#include "models/substrate/substrate_check.h"
#include "models/substrate/substrate_dump.h"
#include "models/substrate/substrate_reader.h"
#include "models/substrate/substrate_search.h"
#include "sim/config/scalar.h"

namespace sparsesim {
namespace {

namespace fs = std::filesystem;
using config::MapReader;
using config::Node;

class Loader {
 public:
  explicit Loader(const SearchPath& search, std::vector<config::Change> changes = {})
      : search_(search), changes_(std::move(changes)) {}
  void load(const std::string& path);
  /// After load(): the machine.
  Substrate take() { return std::move(substrate_); }
  /// After load(): the machine with the numbers of other files marked, and the kernel constants of this one.
  std::string complete(const std::string& path);

 private:
  std::optional<Node> open(const std::string& path);
  void read_file(const std::string& path);
  void read_own(MapReader& map, const std::string& path);
  void read_changes(const std::string& path);
  void read_base(MapReader& map, const std::string& path);
  void read_identity(MapReader& map, const std::string& stem);
  void read_fabric_key(MapReader& map, const std::string& path, const SourceTable& sources);
  void read_fabric_file(const std::string& path);
  void read_kernel_key(MapReader& map, const SourceTable& sources);
  void read_kernel_library(const std::string& architecture, const std::string& path);
  void amend_kernels();
  SearchPath around(const std::string& path) const;

  SearchPath search_;
  std::vector<config::Change> changes_;
  config::Diagnostics diagnostics_;
  Substrate substrate_;
  Origins origins_;
  ReadContext context_{substrate_, origins_, diagnostics_};
  std::vector<std::string> reading_;  // files on the chain of bases, to find a cycle
  std::string base_;                  // name of the nearest base
  bool inline_kernels_ = false;
  std::vector<std::pair<Node, SourceTable>> amendments_;  // `kernels` as a map: constants of kernels of the library
};

std::string stem_of(const std::string& path) { return fs::path(path).stem().string(); }

/// The folder of the file itself is searched first, so that a folder of own substrates stands alone.
SearchPath Loader::around(const std::string& path) const {
  SearchPath search = search_;
  const fs::path folder = fs::path(path).parent_path();
  search.folders.insert(search.folders.begin(), folder.empty() ? "." : folder.string());
  return search;
}

std::optional<Node> Loader::open(const std::string& path) {
  try {
    Node root = config::load_file(path, diagnostics_);
    if (root.type() == Node::Type::map) return root;
    diagnostics_.add(root.position(), "expected a map at the top of the file");
  } catch (const config::ConfigError& error) {
    for (const config::Mistake& mistake : error.mistakes()) {
      const auto same = [&](const config::Mistake& known) {  // what was reported before is in there once more
        return known.message == mistake.message && known.position.file == mistake.position.file &&
               known.position.line == mistake.position.line && known.position.column == mistake.position.column;
      };
      const auto& reported = diagnostics_.mistakes();
      if (std::none_of(reported.begin(), reported.end(), same))
        diagnostics_.add(mistake.position, mistake.message, mistake.hint);
    }
  }
  return std::nullopt;
}

void Loader::read_base(MapReader& map, const std::string& path) {
  const auto node = map.optional("base");
  if (!node) return;
  if (node->type() != config::Node::Type::scalar)
    return map.mistake("base",
                       "base must be the name or file of one substrate; found " + config::describe_value(*node));
  const std::string base = node->scalar();
  const SearchPath search = around(path);
  // A base with a folder in its name is meant from the folder of this file.
  const bool relative = base.find('/') != std::string::npos && base.front() != '/';
  const std::string where = relative ? (fs::path(path).parent_path() / base).string() : base;
  const auto found = base.empty() ? std::nullopt : find_substrate(where, search);
  if (!found) {
    const std::string near = config::nearest(base, known_substrates(search));
    map.mistake("base", "base \"" + base + "\" is no substrate", near.empty() ? "" : "did you mean \"" + near + "\"?");
    return;
  }
  std::error_code error;
  const std::string canonical = fs::weakly_canonical(*found, error).string();
  if (std::find(reading_.begin(), reading_.end(), canonical) != reading_.end()) {
    map.mistake("base", "base \"" + base + "\" leads back to this file: the chain of bases is a cycle");
    return;
  }
  read_file(*found);
  base_ = base;
}

void Loader::read_identity(MapReader& map, const std::string& stem) {
  substrate_.name = map.text("name", stem);
  substrate_.title = map.text("title", substrate_.title);
  map.text("note", "");
  substrate_.aliases.clear();
  if (const auto aliases = map.optional("aliases")) {
    if (aliases->type() != Node::Type::sequence) map.mistake("aliases", "aliases must be a list of names");
    for (const Node& alias : aliases->items()) substrate_.aliases.push_back(alias.scalar());
  }
  substrate_.architecture = map.text("architecture", substrate_.architecture);
  if (map.has("architecture")) origins_["architecture"] = map.node().key_position("architecture");
  if (map.has("devices")) origins_["devices"] = map.node().key_position("devices");
  substrate_.devices = static_cast<int>(map.integer("devices", 1, 65536, substrate_.devices));
  const bool of_base = substrate_.devices > 1 && !substrate_.product.empty();  // a node holds its base's devices
  substrate_.product = map.text("product", of_base ? substrate_.product : substrate_.name);
  if (substrate_.product.empty()) substrate_.product = substrate_.name;
}

void Loader::read_fabric_key(MapReader& map, const std::string& path, const SourceTable& sources) {
  const auto node = map.optional("fabric");
  if (!node) return;
  if (node->type() == Node::Type::scalar) {
    if (node->scalar() == "none") {
      substrate_.fabric = Fabric{};
      return;
    }
    const auto found = find_shared_file("fabrics", node->scalar(), around(path));
    if (!found) return map.mistake("fabric", "no fabric is called \"" + node->scalar() + "\"");
    substrate_.fabric = Fabric{};
    return read_fabric_file(*found);
  }
  MapReader fabric(*node, diagnostics_);
  read_fabric(fabric, sources, context_);
  fabric.finish();
}

void Loader::read_fabric_file(const std::string& path) {
  const auto root = open(path);
  if (!root) return;
  MapReader map(*root, diagnostics_);
  SourceTable sources(substrate_.sources, stem_of(path), false);
  if (const auto node = map.optional("sources")) sources.read(*node, diagnostics_);
  read_fabric(map, sources, context_);
  map.finish();
  if (substrate_.fabric.name.empty()) substrate_.fabric.name = stem_of(path);
}

void Loader::read_kernel_key(MapReader& map, const SourceTable& sources) {
  const auto node = map.optional("kernels");
  if (!node) return;
  if (node->type() == Node::Type::map) {
    amendments_.emplace_back(*node, sources);
    return;
  }
  inline_kernels_ = true;
  amendments_.clear();
  substrate_.kernels.clear();
  std::erase_if(origins_, [](const auto& entry) { return entry.first.rfind("kernels.", 0) == 0; });
  read_kernels(*node, sources, context_);
}

/// Constants in place of the library's, and kernels beside its own, as soon as the library is there.
void Loader::amend_kernels() {
  for (const auto& [kernels, sources] : amendments_) {
    for (const auto& [name, constants] : kernels.entries()) {
      const auto same_name = [&, kernel = name](const Kernel& known) { return known.name == kernel; };
      const auto found = std::find_if(substrate_.kernels.begin(), substrate_.kernels.end(), same_name);
      if (constants.type() != Node::Type::map)
        diagnostics_.add(constants.position(), "expected a map from constants to numbers at " + constants.path());
      else if (found == substrate_.kernels.end())
        add_kernel(name, constants, sources, context_);
      else
        amend_kernel(constants, *found, sources, context_);
    }
  }
}

void Loader::read_kernel_library(const std::string& architecture, const std::string& path) {
  const std::vector<std::string> files = kernel_files(architecture, around(path));
  read_kernel_files(files, context_, [&](const std::string& file) {
    if (const auto root = open(file)) read_kernel_file(*root, file, context_);
  });
  if (files.empty())
    diagnostics_.add(origins_["architecture"], "no kernel library is called \"" + architecture + "\"",
                     "kernels/" + architecture + "/ holds no file; `kernels: []` stands for none");
}

void Loader::read_file(const std::string& path) {
  std::error_code error;
  reading_.push_back(fs::weakly_canonical(path, error).string());
  if (const auto root = open(path)) {
    MapReader map(*root, diagnostics_);
    read_base(map, path);
    read_own(map, path);
  }
  reading_.pop_back();
}

/// What a file says beside its base.
void Loader::read_own(MapReader& map, const std::string& path) {
  SourceTable sources(substrate_.sources, stem_of(path), true);
  if (const auto node = map.optional("sources")) sources.read(*node, diagnostics_);
  read_identity(map, stem_of(path));
  read_fabric_key(map, path, sources);
  read_kernel_key(map, sources);
  read_group(map, "", sources, context_);
  if (const auto head = map.optional("fingerprint")) read_head(*head, sources, context_);
  map.finish();
}

/// The changes as if a file that is based on `path` said them; the machine stays what it was called.
void Loader::read_changes(const std::string& path) {
  if (changes_.empty() || !diagnostics_.empty()) return;
  const Node root = config::with_changes(config::load_text("{}", path, diagnostics_), changes_);
  MapReader map(root, diagnostics_);
  Substrate before = substrate_;
  read_own(map, path);
  substrate_.name = std::move(before.name);
  substrate_.aliases = std::move(before.aliases);
  if (!map.has("product")) substrate_.product = std::move(before.product);
}

void Loader::load(const std::string& path) {
  read_file(path);
  read_changes(path);
  const config::Position root{path, 1, 1};
  if (diagnostics_.empty()) check_complete(substrate_, origins_, root, diagnostics_);
  check_consistent(substrate_, origins_, root, diagnostics_);
  if (!inline_kernels_ && !substrate_.architecture.empty()) read_kernel_library(substrate_.architecture, path);
  amend_kernels();
  diagnostics_.throw_if_any();
}

/// Whether a data sheet's number holds for every machine of the instruction set.
bool follows_from_instructions(const std::string& path, const Quantity& quantity) {
  if (quantity.kind != Provenance::spec) return false;
  return path.rfind("compute.pipes.tensor.", 0) == 0 || path.rfind("compute.scratchpad", 0) == 0 ||
         path == "compute.pipes.vector" || path == "compute.registers" || path == "memory.line" ||
         path == "memory.sector";
}

std::string Loader::complete(const std::string& path) {
  KernelAmendments amendments;
  const auto own = [&](const std::string& key) {
    const auto found = origins_.find(key);
    return found != origins_.end() && found->second.file == path;
  };
  const auto mark = [&](const std::string& key, Quantity& quantity, config::Dimension, std::string_view, bool) {
    if (!quantity.given() || own(key) || key.rfind("kernels.", 0) == 0) return;
    const std::string taken = "taken from " + base_;
    quantity.note = quantity.note.empty() ? taken : taken + ": " + quantity.note;
    if (follows_from_instructions(key, quantity)) return;
    quantity.kind = Provenance::guessed;
    quantity.fitted_to.clear();
  };
  visit(substrate_, mark);
  for (const Kernel& kernel : substrate_.kernels)
    for (const auto& [name, constant] : kernel.constants)
      if (own("kernels." + kernel.name + "." + name)) amendments[kernel.name][name] = constant;
  return dump_machine(substrate_, amendments);
}

}  // namespace

std::string complete_substrate(const std::string& path, const SearchPath& search) {
  Loader loader(search);
  loader.load(path);
  return loader.complete(path);
}

Substrate load_substrate(const std::string& path_or_name, const SearchPath& search) {
  return load_changed_substrate(path_or_name, search, {});
}

Substrate load_changed_substrate(const std::string& path_or_name, const SearchPath& search,
                                 const std::vector<config::Change>& changes) {
  const auto path = find_substrate(path_or_name, search);
  if (path) {
    Loader loader(search, changes);
    loader.load(*path);
    return loader.take();
  }
  const std::vector<std::string> known = known_substrates(search);
  const std::string near = config::nearest(fs::path(path_or_name).stem().string(), known);
  std::string hint = near.empty() ? "known:" : "did you mean \"" + near + "\"? (known:";
  for (const std::string& name : known) hint += " " + name;
  throw config::ConfigError(config::Mistake{
      {path_or_name, 0, 0}, "no such file, and no substrate of that name", hint + (near.empty() ? "" : ")"), ""});
}

}  // namespace sparsesim
