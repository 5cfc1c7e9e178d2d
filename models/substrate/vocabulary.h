#pragma once
// The words that substrate files choose from: one list each for the readers and for the JSON Schema.

#include <array>
#include <string_view>

namespace sparsesim {

inline constexpr std::array<std::string_view, 4> kProvenanceNames = {"spec", "measured", "fitted", "guessed"};
inline constexpr std::array<std::string_view, 7> kTensorDtypes = {"fp32", "tf32", "fp16", "bf16",
                                                                  "fp8",  "int8", "int4"};
inline constexpr std::array<std::string_view, 8> kEnergyDtypes = {"fp64", "fp32", "tf32", "fp16",
                                                                  "bf16", "fp8",  "int8", "int4"};
inline constexpr std::array<std::string_view, 4> kTopologies = {"none", "switch", "mesh", "pcie"};
/// In the order of NumaPlacement.
inline constexpr std::array<std::string_view, 3> kNumaPlacements = {"first_touch", "interleave", "local"};
inline constexpr std::array<std::string_view, 2> kBackendNames = {"cpu", "cuda"};
inline constexpr std::array<std::string_view, 3> kQualities = {"naive", "library", "tuned"};
/// Keys of a kernel that say how it divides its work; beside its constants, what a machine may change of a library's.
inline constexpr std::array<std::string_view, 5> kKernelShapeKeys = {"quality", "tile", "stages", "tasks_per_unit",
                                                                     "persistent"};

}  // namespace sparsesim
