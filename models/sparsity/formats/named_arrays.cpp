#include "models/sparsity/formats/named_arrays.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "models/sparsity/formats/mask_formats.h"
#include "sim/config/reader.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kBlocksMost = std::int64_t{1} << 26;  // of index tensors: 8 bytes each

const NamedArray* find(const std::vector<NamedArray>& arrays, const std::string& name) {
  const auto found = std::find_if(arrays.begin(), arrays.end(), [&](const auto& array) { return array.name == name; });
  return found == arrays.end() ? nullptr : &*found;
}

[[noreturn]] void refuse(const ByteFile& file, const std::string& message, const std::string& hint) {
  throw config::ConfigError(config::Mistake{{file.path(), 0, 0}, message, hint, {}});
}

/// "known: a, b, c and 97 more".
std::string known_names(const std::vector<NamedArray>& arrays) {
  constexpr std::size_t kShown = 8;
  std::vector<std::string_view> names;
  for (const NamedArray& array : arrays)
    if (names.size() < kShown) names.push_back(array.name);
  const std::string more = arrays.size() > kShown ? fmt::format(" and {} more", arrays.size() - kShown) : "";
  return fmt::format("known: {}{}", fmt::join(names, ", "), more);
}

const NamedArray& only_matrix(const ByteFile& file, const std::vector<NamedArray>& arrays) {
  std::vector<const NamedArray*> matrices;
  for (const NamedArray& array : arrays)
    if (array.array.shape.size() >= 2) matrices.push_back(&array);
  if (matrices.size() == 1) return *matrices.front();
  if (arrays.empty()) refuse(file, "holds no array", "");
  if (matrices.empty()) refuse(file, "holds no matrix", known_names(arrays));
  refuse(file, fmt::format("holds {} matrices: which one?", matrices.size()),
         "FILE:TENSOR names it; " + known_names(arrays));
}

/// Both lists hold distinct blocks of the same matrix.
Mask united(const Mask& a, const Mask& b) {
  Mask out{a.rows, a.columns, {0}, {}};
  for (std::int64_t row = 0; row < a.rows; ++row) {
    std::set_union(a.row(row).begin(), a.row(row).end(), b.row(row).begin(), b.row(row).end(),
                   std::back_inserter(out.indices));
    out.offsets.push_back(out.stored());
  }
  return out;
}

/// The index tensors whose names begin so, or nothing.
std::optional<Mask> block_indices(const ByteFile& file, const std::vector<NamedArray>& arrays,
                                  const std::string& prefix) {
  const NamedArray* counts = find(arrays, prefix + "kv_num_blocks");
  const NamedArray* indices = find(arrays, prefix + "kv_indices");
  if (!counts || !indices) return std::nullopt;
  Mask mask = mask_of_block_indices(file, counts->array, indices->array);
  const NamedArray* full_counts = find(arrays, prefix + "full_kv_num_blocks");
  const NamedArray* full_indices = find(arrays, prefix + "full_kv_indices");
  if (!full_counts || !full_indices) return mask;
  const Mask full = mask_of_block_indices(file, full_counts->array, full_indices->array);
  if (full.rows != mask.rows || full.columns != mask.columns)
    file.refuse(full_indices->array.offset, fmt::format("full blocks of {} x {} beside others of {} x {}", full.rows,
                                                        full.columns, mask.rows, mask.columns));
  return united(mask, full);
}

}  // namespace

Mask mask_of_block_indices(const ByteFile& file, const StoredArray& counts, const StoredArray& indices) {
  std::vector<std::int64_t> leading = indices.shape;
  if (!leading.empty()) leading.pop_back();
  if (leading.empty() || leading != counts.shape)
    file.refuse(indices.offset, fmt::format("block indices of shape [{}] for counts of shape [{}]",
                                            fmt::join(indices.shape, ", "), fmt::join(counts.shape, ", ")));
  const IntegerArray valid = read_integers(file, counts, kBlocksMost);
  const IntegerArray columns = read_integers(file, indices, kBlocksMost);
  const auto rows = static_cast<std::int64_t>(valid.values.size());
  const std::int64_t width = indices.shape.back();
  if (const auto problem = mask_size_problem(rows, width, 0); !problem.empty()) file.refuse(indices.offset, problem);
  Mask mask{rows, width, {0}, {}};
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t count = valid.values[static_cast<std::size_t>(row)];
    if (count < 0 || count > width)
      file.refuse(counts.offset, fmt::format("row {} counts {} blocks, of {}", row, count, width));
    const auto first = columns.values.begin() + row * width;
    for (auto column = first; column < first + count; ++column) {
      if (*column < 0 || *column >= width)
        file.refuse(indices.offset, fmt::format("row {} names block {}, of {} (counted from 0)", row, *column, width));
      mask.indices.push_back(static_cast<std::int32_t>(*column));
    }
    const auto begin = mask.indices.begin() + mask.offsets.back();
    std::sort(begin, mask.indices.end());
    if (const auto twice = std::adjacent_find(begin, mask.indices.end()); twice != mask.indices.end())
      file.refuse(indices.offset, fmt::format("row {} names block {} twice", row, *twice));
    mask.offsets.push_back(mask.stored());
  }
  return mask;
}

Mask mask_of_named(const ByteFile& file, const std::vector<NamedArray>& arrays, const std::string& name,
                   MatrixView view) {
  if (const auto blocks = block_indices(file, arrays, name.empty() ? "" : name + ".")) return *blocks;
  const NamedArray* array = name.empty() ? &only_matrix(file, arrays) : find(arrays, name);
  if (!array) {
    std::vector<std::string> names;
    for (const NamedArray& known : arrays) names.push_back(known.name);
    const std::string near = config::nearest(name, names);
    refuse(file, fmt::format("no tensor \"{}\"", name),
           near.empty() ? known_names(arrays) : fmt::format("did you mean \"{}\"?", near));
  }
  if (!array->readable)
    file.refuse(array->array.offset,
                fmt::format("tensor \"{}\" is of type {}, which is not read", array->name, array->type_name));
  const bool convolution = view == MatrixView::first_is_rows && array->array.shape.size() == 4;
  return mask_of_array(file, array->array, convolution ? view : MatrixView::last_is_columns);
}

Mask read_safetensors_mask(const MaskName& name) {
  const ByteFile file(name.path);
  return mask_of_named(file, read_safetensors_arrays(file), name.tensor, MatrixView::first_is_rows);
}

Mask read_npz_mask(const MaskName& name) {
  const ByteFile file(name.path);
  return mask_of_named(file, read_npz_arrays(file), name.tensor, MatrixView::last_is_columns);
}

}  // namespace sparsesim
