#include "sim/cli/named_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "sim/cli/commands.h"

namespace sparsesim::cli {
namespace {

namespace fs = std::filesystem;

struct NamedFile {
  std::string label;  // "--out", "SPEC"
  std::string name;   // as it was given
  std::vector<fs::path> paths;
};

std::string label_of(const OptionSpec& option) {
  return option.placeholder == option.name ? option.name : "--" + option.name;
}

/// Where the files of that kind are that come along; empty for those that have no name.
std::string folder_of(const OptionSpec& option) {
  if (option.type == ValueType::substrate) return "substrates";
  if (option.type == ValueType::workload) return "workloads";
  return option.name == "suite" ? "validate/measure/suites" : "";
}

/// What is read of a folder: the parts of a checkpoint.
void add_checkpoint(const fs::path& folder, std::vector<fs::path>& paths) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name == "config.json" || name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json"))
      paths.push_back(entry.path());
  }
}

/// Every file that a value of an option to read can stand for.
std::vector<fs::path> read_paths(const OptionSpec& option, const std::string& value) {
  std::vector<std::string> names{value};
  const std::string kind = folder_of(option);
  if (kind.empty()) {
    if (const auto colon = value.rfind(':'); colon != std::string::npos)
      names.push_back(value.substr(0, colon));  // FILE:TENSOR
  } else {
    for (std::size_t begin = 0; begin < value.size();) {  // several with commas
      const std::size_t end = std::min(value.find(',', begin), value.size());
      names.push_back(value.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  std::vector<fs::path> paths(names.begin(), names.end());
  if (!kind.empty())
    for (const std::string& folder : shipped(kind).folders)
      for (const std::string& name : names)
        paths.insert(paths.end(), {fs::path(folder) / name, fs::path(folder) / (name + ".yaml")});
  else if (std::error_code error; fs::is_directory(value, error))
    add_checkpoint(value, paths);
  std::erase_if(paths, [](const fs::path& path) {
    std::error_code error;
    return !fs::is_regular_file(path, error);
  });
  return paths;
}

/// Whether several may write to it, whatever a shell has put behind it.
bool is_shared(const fs::path& path) {
  std::error_code error;
  return path.string().starts_with("/dev/") || (fs::exists(path, error) && !fs::is_regular_file(path, error));
}

bool is_same(const fs::path& one, const fs::path& other) {
  std::error_code error;
  if (fs::exists(one, error) && fs::exists(other, error)) return fs::equivalent(one, other, error);
  return fs::weakly_canonical(fs::absolute(one, error), error) ==
         fs::weakly_canonical(fs::absolute(other, error), error);
}

bool share_a_file(const NamedFile& one, const NamedFile& other) {
  const auto is_of_other = [&](const fs::path& path) {
    return std::any_of(other.paths.begin(), other.paths.end(), [&](const fs::path& its) { return is_same(path, its); });
  };
  return std::any_of(one.paths.begin(), one.paths.end(), is_of_other);
}

/// What a command writes beside what its options name.
std::vector<NamedFile> written_unasked(const ParsedCommand& command) {
  if (command.name == "sweep" && !command.find("out")) {
    const std::string file = results_file(command);
    return {{"the results", file, {file}}};
  }
  if (command.name == "measure" && !command.flag("plan-only")) {
    const std::string file = plan_file(command.get("out"));
    return {{"the plan", file, {file}}};
  }
  return {};
}

struct NamedFiles {
  std::vector<NamedFile> read, written;
};

NamedFiles files_of(const ParsedCommand& command) {
  const CommandSpec& spec = *find_command(command.name);
  NamedFiles files{{}, written_unasked(command)};
  for (const auto* list : {&spec.options, &spec.positionals})
    for (const OptionSpec& option : *list) {
      const auto given = command.values.find(option.name);
      const bool is_file = option.type == ValueType::file || !folder_of(option).empty();
      if (!is_file || given == command.values.end()) continue;
      for (const std::string& value : given->second)
        if (option.written)
          files.written.push_back({label_of(option), value, {value}});
        else if (value != "-")  // standard input
          files.read.push_back({label_of(option), value, read_paths(option, value)});
    }
  std::erase_if(files.written, [](const NamedFile& file) { return is_shared(file.paths.front()); });
  return files;
}

}  // namespace

void check_named_files(const ParsedCommand& command) {
  const NamedFiles files = files_of(command);
  std::vector<std::string> mistakes;
  for (auto written = files.written.begin(); written != files.written.end(); ++written) {
    for (const NamedFile& read : files.read)
      if (share_a_file(*written, read))
        mistakes.push_back(fmt::format("{} {} would replace {} {}, which is read", written->label, written->name,
                                       read.label, read.name));
    for (auto other = files.written.begin(); other != written; ++other)
      if (share_a_file(*written, *other))
        mistakes.push_back(fmt::format("{} {} and {} {} are written to one file", other->label, other->name,
                                       written->label, written->name));
  }
  if (!mistakes.empty()) throw UsageError(fmt::format("{}", fmt::join(mistakes, "\nsparsesim: ")));
}

}  // namespace sparsesim::cli
