#pragma once
// What a reader of files with named arrays keeps: each array a sound mask, or one mistake.

#include <algorithm>
#include <string>

#include "models/sparsity/formats/named_arrays.h"
#include "tests/fuzz/check_mask.h"

namespace sparsesim {

/// `read_arrays` lists the arrays of a ByteFile: the file is read without a name, with one that is not there, and with
/// each.
template <class ReadArrays>
void check_named_arrays(ReadArrays read_arrays, const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMost = 8;  // arrays of one input
  std::size_t arrays = 0;
  const auto read = [&](const std::string& name) {
    return [&, name](const std::string& path) {
      const ByteFile file(path);
      const auto all = read_arrays(file);
      arrays = all.size();
      return mask_of_named(file, all, name.empty() || name == "?" ? name : all[std::stoul(name)].name,
                           MatrixView::first_is_rows);
    };
  };
  check_mask_bytes(read(""), data, size);
  check_mask_bytes(read("?"), data, size);  // no such array, or its block indices
  for (std::size_t i = 0; i < std::min(arrays, kMost); ++i) check_mask_bytes(read(std::to_string(i)), data, size);
}

}  // namespace sparsesim
