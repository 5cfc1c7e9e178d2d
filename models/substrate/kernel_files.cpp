// The files of a kernel library: each is read alone, so that processors share the work, and then joins the substrate.

#include <algorithm>
#include <filesystem>

#include "models/substrate/substrate_reader.h"
#include "sim/core/parallel.h"

namespace sparsesim {
namespace {

using config::Node;

/// What one file says, its citations under the keys that it uses itself.
struct KernelFile {
  std::vector<Kernel> kernels;
  std::map<std::string, std::string> citations;
  Origins origins;
  bool sound = false;  // else the rest is not for use
};

std::string name_of_file(const std::string& path) { return std::filesystem::path(path).stem().string(); }

KernelFile read_alone(const std::string& path) {
  KernelFile file;
  Substrate alone;
  config::Diagnostics diagnostics;
  ReadContext context{alone, file.origins, diagnostics};
  try {
    const Node root = config::load_file(path, diagnostics);
    read_kernel_file(root, path, context);
    file.sound = diagnostics.empty();
  } catch (const config::ConfigError&) {  // stays unsound
  }
  file.kernels = std::move(alone.kernels);
  file.citations = std::move(alone.sources);
  return file;
}

bool can_join(const KernelFile& file, const ReadContext& context) {
  const auto taken = [&](const auto& origin) { return context.origins.contains(origin.first); };
  return file.sound && std::none_of(file.origins.begin(), file.origins.end(), taken);
}

void join(KernelFile file, const std::string& path, ReadContext& context) {
  SourceTable sources(context.substrate.sources, name_of_file(path), false);
  sources.adopt(file.citations);
  for (Kernel& kernel : file.kernels) {
    for (auto& [name, constant] : kernel.constants) constant.source = sources.stored(constant.source);
    context.substrate.kernels.push_back(std::move(kernel));
  }
  context.origins.merge(file.origins);
}

}  // namespace

void read_kernel_file(const Node& root, const std::string& path, ReadContext& context) {
  config::MapReader map(root, context.diagnostics);
  SourceTable sources(context.substrate.sources, name_of_file(path), false);
  if (const auto node = map.optional("sources")) sources.read(*node, context.diagnostics);
  map.text("note", "");
  if (const auto list = map.required("kernels")) read_kernels(*list, sources, context);
  map.finish();
}

void read_kernel_files(const std::vector<std::string>& paths, ReadContext& context,
                       const std::function<void(const std::string&)>& read_again) {
  std::vector<KernelFile> files(paths.size());
  for_each_index(paths.size(), 0, [&](std::size_t i) { files[i] = read_alone(paths[i]); });
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (can_join(files[i], context))
      join(std::move(files[i]), paths[i], context);
    else
      read_again(paths[i]);
  }
}

}  // namespace sparsesim
