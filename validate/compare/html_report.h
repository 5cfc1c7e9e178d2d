#pragma once
// The report as one page that needs nothing else: data, charts and style in one file (docs/report.md).

#include <string>

#include "validate/compare/report.h"

namespace sparsesim {

/// The numbers of the page as compact JSON. Names that repeat are indices into lists; times are us; a row is a list in
/// the order of `columns`.
std::string report_data(const Comparison& comparison);

/// The page. Requires has_pages().
std::string html_report(const Comparison& comparison);

}  // namespace sparsesim
