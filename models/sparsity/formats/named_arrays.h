#pragma once
// Files that hold several arrays by name (.npz, safetensors), and which of them make a mask.

#include <string>
#include <vector>

#include "models/sparsity/mask.h"

namespace sparsesim {

/// One array of a file.
struct NamedArray {
  std::string name;
  std::string type_name;  // as the file says it
  bool readable = true;   // false: of a type whose zeros we cannot tell; `array` then has its place alone
  StoredArray array;
};

/// The mask that `name` stands for: an array of that name, or the block indices `name.kv_num_blocks` and
/// `name.kv_indices`. Empty: the block indices kv_num_blocks and kv_indices, or else the only matrix of the file.
/// Errors: config::ConfigError, with the names that there are.
Mask mask_of_named(const ByteFile& file, const std::vector<NamedArray>& arrays, const std::string& name,
                   MatrixView view);

/// Which blocks of keys each block of queries attends to, as attention libraries hand it to their kernels.
///
/// counts   [.., query blocks], how many of the following are valid
/// indices  [.., query blocks, key blocks], block columns, in any order
/// returns  a mask of blocks [.. * query blocks, key blocks]
///
/// Source: BlockMask.kv_num_blocks and kv_indices of torch.nn.attention.flex_attention (PyTorch 2.5); a file may split
/// them into blocks that need a mask and `full_kv_num_blocks`, `full_kv_indices` that do not: both are stored blocks.
Mask mask_of_block_indices(const ByteFile& file, const StoredArray& counts, const StoredArray& indices);

/// Arrays of an .npz file: a zip archive of .npy files, not compressed. Errors: config::ConfigError with byte offset.
std::vector<NamedArray> read_npz_arrays(const ByteFile& file);
/// Tensors of a safetensors file: their places are checked to fill it without gap or overlap.
/// Source: github.com/huggingface/safetensors, "Format". Errors: config::ConfigError with byte offset.
std::vector<NamedArray> read_safetensors_arrays(const ByteFile& file);

}  // namespace sparsesim
