#include "models/substrate/quantity.h"

#include "models/substrate/vocabulary.h"

namespace sparsesim {

std::string_view name(Provenance provenance) { return kProvenanceNames[static_cast<std::size_t>(provenance)]; }

}  // namespace sparsesim
