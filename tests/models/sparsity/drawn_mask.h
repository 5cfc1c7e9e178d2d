#pragma once
// Masks as pictures: "#" is stored, "." is not, one line per row.

#include <string>
#include <string_view>

#include "models/sparsity/mask.h"

namespace sparsesim {

inline Mask drawn(std::string_view picture) {
  Mask mask;
  mask.columns = static_cast<std::int64_t>(picture.find('\n'));
  std::int32_t column = 0;
  for (const char c : picture) {
    if (c == '#') mask.indices.push_back(column);
    ++column;
    if (c != '\n') continue;
    mask.offsets.push_back(mask.stored());
    ++mask.rows;
    column = 0;
  }
  return mask;
}

inline std::string draw(const Mask& mask) {
  std::string picture;
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    std::string line(static_cast<std::size_t>(mask.columns), '.');
    for (const std::int32_t column : mask.row(row)) line[static_cast<std::size_t>(column)] = '#';
    picture += line + "\n";
  }
  return picture;
}

}  // namespace sparsesim
