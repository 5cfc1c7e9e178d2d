#pragma once
// The report as one page that needs nothing else: data, charts and style in one file (docs/report.md).

#include <string>
#include <string_view>

#include "validate/compare/report.h"

namespace sparsesim {

/// The page before and after the place of its data, written at build time from validate/compare/page and Vega. Both are
/// empty where Vega was not found then.
extern const std::string_view kReportPageHead, kReportPageTail;

/// Whether this build can write the page.
inline bool has_html_report() { return !kReportPageHead.empty(); }

/// The numbers of the page as compact JSON. Names that repeat are indices into lists; times are us; a row is a list in
/// the order of `columns`. `<` is written as \u003c, so that no text can end the script element around it.
std::string report_data(const Comparison& comparison);

/// The page. Requires has_html_report().
std::string html_report(const Comparison& comparison);

}  // namespace sparsesim
