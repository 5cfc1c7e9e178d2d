#include "models/substrate/absent.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/substrate/settings.h"

namespace sparsesim {
namespace {

bool is_at_or_below(const std::string& field, const std::string& path) {
  return field == path || field.starts_with(path + ".");
}

/// An entry of a map whose names the files choose: `path` is that of the map, a dot and the name.
template <class Map>
bool erase_named(Map& map, const std::string& prefix, const std::string& path) {
  return path.starts_with(prefix) && map.erase(path.substr(prefix.size())) > 0;
}

bool erase_kernel(Substrate& substrate, const std::string& path) {
  auto& kernels = substrate.kernels;
  for (auto kernel = kernels.begin(); kernel != kernels.end(); ++kernel) {
    const std::string whole = "kernels." + kernel->name;
    if (path == whole) return kernels.erase(kernel), true;
    if (erase_named(kernel->constants, whole + ".", path)) return true;
  }
  return false;
}

bool erase_rate(Substrate& substrate, const std::string& path) {
  auto& tensor = substrate.compute.pipes.tensor;
  for (auto& [dtype, rate] : tensor)
    if (erase_named(rate.n_of_m, fmt::format("compute.pipes.tensor.{}.n_of_m.", dtype), path)) return true;
  return tensor.size() > 1 && erase_named(tensor, "compute.pipes.tensor.", path);
}

}  // namespace

bool take_away(Substrate& substrate, const std::string& path) {
  if (erase_kernel(substrate, path) || erase_rate(substrate, path)) return true;
  bool known = false;
  for (const auto& fields : {fixed_fields(substrate), named_fields(substrate)})
    for (const Field& field : fields) {
      if (!is_at_or_below(field.path, path)) continue;
      if (field.required)
        throw SettingError(fmt::format("{}: every machine has {}: it cannot be absent", path, field.path));
      *field.quantity = Quantity{};
      known = true;
    }
  return known;
}

bool has_at(const Substrate& substrate, const std::string& path) {
  bool has = false;
  visit(substrate, [&](const std::string& field, const Quantity& quantity, config::Dimension, const char*, bool) {
    has = has || (quantity.given() && is_at_or_below(field, path));
  });
  return has || std::any_of(substrate.kernels.begin(), substrate.kernels.end(),
                            [&](const Kernel& kernel) { return path == "kernels." + kernel.name; });
}

}  // namespace sparsesim
