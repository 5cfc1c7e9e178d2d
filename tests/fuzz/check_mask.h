#pragma once
// What every reader of masks keeps: a sound mask, or mistakes with a place.

#include <cstdlib>
#include <string>

#include "models/sparsity/formats/mask_formats.h"
#include "tests/fuzz/memory_file.h"

namespace sparsesim {

/// Aborts unless offsets rise from 0 to the end and indices rise within each row.
inline void check_mask(const Mask& mask) {
  if (mask.offsets.size() != static_cast<std::size_t>(mask.rows) + 1 || mask.offsets.front() != 0) std::abort();
  if (mask.offsets.back() != mask.stored()) std::abort();
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    std::int64_t before = -1;
    if (mask.offsets[static_cast<std::size_t>(row)] > mask.offsets[static_cast<std::size_t>(row) + 1]) std::abort();
    for (const std::int32_t column : mask.row(row)) {
      if (column <= before || column >= mask.columns) std::abort();
      before = column;
    }
  }
}

using TextReader = Mask (*)(std::string_view, const std::string&, config::Diagnostics&);
inline void check_mask_text(TextReader read, std::string_view text) {
  config::Diagnostics diagnostics;
  const Mask mask = read(text, "fuzz", diagnostics);
  if (!diagnostics.empty() && mask.rows > 0) std::abort();
  for (const auto& mistake : diagnostics.mistakes())
    if (mistake.position.line < 1 || mistake.position.column < 1) std::abort();
  check_mask(mask);
}

/// Mistakes of a binary file name its byte, or what it should hold.
template <class Reader>
void check_mask_bytes(Reader read, const std::uint8_t* data, std::size_t size) {
  static MemoryFile file;
  file.replace(data, size);
  try {
    check_mask(read(file.path()));
  } catch (const config::ConfigError& error) {
    if (error.mistakes().empty() || error.mistakes().front().message.empty()) std::abort();
  }
}

}  // namespace sparsesim
