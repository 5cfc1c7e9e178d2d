#pragma once
// The one table of file formats that hold a mask.

#include <span>
#include <string>
#include <string_view>

#include "models/sparsity/mask.h"
#include "sim/config/node.h"

namespace sparsesim {

/// A mask file as people name it: "model.safetensors:layer.weight" is a tensor of a file, all else a path.
struct MaskName {
  std::string path;
  std::string tensor;  // empty: the only one
};

/// One format of files. Adding one is one file and one row of the table.
struct MaskFormat {
  std::string_view extension;    // ".mtx"
  std::string_view description;  // one line
  bool has_tensors;              // FILE:TENSOR names one of several arrays
  Mask (*read)(const MaskName& name);
};
std::span<const MaskFormat> mask_formats();

/// Splits FILE:TENSOR where FILE ends in an extension whose format has tensors.
MaskName parse_mask_name(std::string_view name);
/// Reads the mask in a file; its extension says how. A weight of zero is not stored, except in .mtx and .smtx, which
/// list what is stored. Errors: config::ConfigError with file:line:column (text) or byte offset (binary).
Mask read_mask(const MaskName& name);
/// Counts of a mask for weights of rows x columns whose stored units are unit_rows x unit_columns. The file holds
/// either weights, and a unit is stored if any of its weights is, or the units themselves.
/// Errors: as read_mask(); sizes that are neither.
RowCounts read_unit_counts(const std::string& name, std::int64_t rows, std::int64_t columns, std::int64_t unit_rows,
                           std::int64_t unit_columns);

/// Checks that weights of rows x columns in a file are of an N:M pattern: `kept` of every `of` columns; above one
/// `block_rows`, as V:2:M with V = block_rows. Errors: as read_mask(); other sizes; weights that the pattern cannot
/// hold.
void require_n_of_m(const std::string& name, std::int64_t rows, std::int64_t columns, std::int64_t block_rows, int kept,
                    int of);

/// Reads a matrix of the Deep Learning Matrix Collection: lines "rows, columns, nonzeros"; row offsets; column indices.
/// Errors: mistakes with file:line:column go to `diagnostics`, and the result is empty; sizes are checked against the
/// length of the text before memory is taken. So do the other readers of text.
Mask read_smtx(std::string_view text, const std::string& file, config::Diagnostics& diagnostics);
/// Reads a Matrix Market file: coordinate or array; real, integer or pattern; general, symmetric or skew-symmetric.
/// Coordinates are stored places, whatever their value. Source: Boisvert, Pozo, Remington, NISTIR 5935 (1996).
Mask read_matrix_market(std::string_view text, const std::string& file, config::Diagnostics& diagnostics);
/// Reads one tensor of a safetensors file (convolutions as [out, in height width]), or block indices of attention.
Mask read_safetensors_mask(const MaskName& name);
/// Reads one array of an .npz file, or block indices of attention.
Mask read_npz_mask(const MaskName& name);

}  // namespace sparsesim
