#pragma once
// Results as one page that needs nothing else: data, charts and style in one file (docs/report.md, docs/pictures.md).

#include <string>
#include <string_view>

namespace sparsesim {

/// A page around the places of its data and of Vega, made at build time by sparsesim_page() from sim/page/skeleton.html
/// and the folder of the page.
struct PageTemplate {
  std::string_view before_data, before_vega, rest;
};

/// Vega's modules as one script, embedded at build time; empty where Vega was not found then.
extern const std::string_view kVega;

/// Whether this build can write pages.
inline bool has_pages() { return !kVega.empty(); }

/// JSON as it stands in a script element: `<` is written as \u003c, so that no text can end the element.
std::string json_in_page(std::string_view json);

/// The whole page. `json` is its data, any JSON. Requires has_pages().
std::string write_page(const PageTemplate& page, std::string_view json);

}  // namespace sparsesim
