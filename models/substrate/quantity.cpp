#include "models/substrate/quantity.h"

namespace sparsesim {

std::string_view name(Provenance provenance) {
  switch (provenance) {
    case Provenance::spec:
      return "spec";
    case Provenance::measured:
      return "measured";
    case Provenance::fitted:
      return "fitted";
    case Provenance::guessed:
      return "guessed";
  }
  return "guessed";
}

}  // namespace sparsesim
