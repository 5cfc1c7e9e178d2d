#include "models/sparsity/formats/mask_formats.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "models/sparsity/formats/memory_mask.h"
#include "models/sparsity/formats/npy.h"
#include "models/sparsity/pattern_fit.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kTextMost = std::int64_t{1} << 29;  // bytes

[[noreturn]] void refuse(const std::string& path, const std::string& message, const std::string& hint = {}) {
  throw config::ConfigError(config::Mistake{{path, 0, 0}, message, hint, {}});
}

template <Mask (*read)(std::string_view, const std::string&, config::Diagnostics&)>
Mask read_text(const MaskName& name) {
  const ByteFile file(name.path);
  if (file.size() > kTextMost)
    refuse(name.path, fmt::format("larger than {} bytes", kTextMost), "is this the right file?");
  config::Diagnostics diagnostics;
  Mask mask = read(file.read(0, file.size()), name.path, diagnostics);
  diagnostics.throw_if_any();
  return mask;
}

Mask read_npy_mask(const MaskName& name) {
  const ByteFile file(name.path);
  return mask_of_array(file, read_npy_header(file), MatrixView::last_is_columns);
}

constexpr std::array<MaskFormat, 5> kFormats = {{
    {".smtx", "Deep Learning Matrix Collection: stored places, row by row", false, read_text<read_smtx>},
    {".mtx", "Matrix Market: coordinates of stored places, or an array", false, read_text<read_matrix_market>},
    {".npy", "NumPy array: what is not zero", false, read_npy_mask},
    {".npz", "NumPy arrays: what is not zero in one of them, or block indices of attention", true, read_npz_mask},
    {".safetensors", "checkpoint: what is not zero in one tensor, or block indices of attention", true,
     read_safetensors_mask},
}};

}  // namespace

std::span<const MaskFormat> mask_formats() { return kFormats; }

MaskName parse_mask_name(std::string_view name) {
  for (const MaskFormat& format : kFormats) {
    if (!format.has_tensors) continue;
    const std::string end = std::string(format.extension) + ":";
    const std::size_t at = name.find(end);
    if (at == std::string_view::npos) continue;
    const std::size_t colon = at + format.extension.size();
    return {std::string(name.substr(0, colon)), std::string(name.substr(colon + 1))};
  }
  return {std::string(name), {}};
}

Mask read_mask(const MaskName& name) {
  if (const auto held = std::dynamic_pointer_cast<const MemoryMask>(config::find_in_memory(name.path)))
    return held->mask();
  std::vector<std::string_view> known;
  for (const MaskFormat& format : kFormats) {
    if (name.path.ends_with(format.extension)) {
      if (!name.tensor.empty() && !format.has_tensors)
        refuse(name.path, fmt::format("no tensor \"{}\": a {} file holds one matrix", name.tensor, format.extension));
      return format.read(name);
    }
    known.push_back(format.extension);
  }
  refuse(name.path, "no mask format has this extension", fmt::format("known: {}", fmt::join(known, ", ")));
}

RowCounts read_unit_counts(const std::string& name, std::int64_t rows, std::int64_t columns, std::int64_t unit_rows,
                           std::int64_t unit_columns) {
  const MaskName file = parse_mask_name(name);
  const Mask mask = read_mask(file);
  if (mask.rows == rows && mask.columns == columns) return row_counts(coarsen(mask, unit_rows, unit_columns));
  if (mask.rows * unit_rows == rows && mask.columns * unit_columns == columns) return row_counts(mask);
  const std::string units =
      unit_rows * unit_columns == 1 ? "" : fmt::format(" or {} x {} units", rows / unit_rows, columns / unit_columns);
  refuse(file.path,
         fmt::format("a mask of {} x {} for weights of {} x {}{}", mask.rows, mask.columns, rows, columns, units));
}

void require_n_of_m(const std::string& name, std::int64_t rows, std::int64_t columns, std::int64_t block_rows, int kept,
                    int of) {
  const MaskName file = parse_mask_name(name);
  const Mask mask = read_mask(file);
  if (mask.rows != rows || mask.columns != columns)
    refuse(file.path, fmt::format("a mask of {} x {} for weights of {} x {}", mask.rows, mask.columns, rows, columns));
  const PatternFit fit = block_rows > 1 ? fit_v_n_m(mask, block_rows, of) : fit_n_of_m(mask, {kept, of});
  if (fit.dropped == 0) return;
  const std::string pattern =
      block_rows > 1 ? fmt::format("{}:{}:{}", block_rows, kept, of) : fmt::format("{}:{}", kept, of);
  refuse(file.path,
         fmt::format("the mask is not {}: {:.0f} of {:.0f} stored weights would have to go", pattern, fit.dropped,
                     fit.stored),
         "`sparsesim inspect` names the patterns that it is near");
}

}  // namespace sparsesim
