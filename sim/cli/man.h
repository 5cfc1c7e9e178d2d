#pragma once

#include <string>
#include <string_view>

namespace sparsesim::cli {

/// The manual page sparsesim(1) in roff, made from the option table; `version` appears in its footer.
std::string man_page(std::string_view version);

}  // namespace sparsesim::cli
