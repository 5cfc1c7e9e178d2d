#include "sim/cli/standard_input.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "sim/cli/commands.h"
#include "sim/config/reader.h"

namespace sparsesim::cli {
namespace {

std::string read_standard_input() {
  const auto most = static_cast<std::size_t>(config::Limits{}.file_bytes);
  std::string text;
  std::array<char, 1 << 16> block{};
  while (const std::size_t count = std::fread(block.data(), 1, block.size(), stdin)) {
    text.append(block.data(), count);
    if (text.size() > most)
      throw config::ConfigError(config::Mistake{
          {std::string(config::kStandardInput), 0, 0}, fmt::format("more than {} bytes", most), "", {}});
  }
  return text;
}

}  // namespace

std::shared_ptr<const config::MemoryFile> hold_standard_input(ParsedCommand& command) {
  const std::string name(config::kStandardInput);
  int given = 0;
  for (const char* option : {"substrate", "workload", "SUBSTRATE"})
    if (const auto found = command.values.find(option); found != command.values.end())
      for (std::string& value : found->second)
        if (value == "-") {
          value = name;
          ++given;
        }
  if (given == 0) return nullptr;
  if (given > 1) throw UsageError("standard input (-) is one file: the substrate or the workload");
  return config::hold_in_memory(name, std::make_shared<config::MemoryText>(read_standard_input()));
}

}  // namespace sparsesim::cli
