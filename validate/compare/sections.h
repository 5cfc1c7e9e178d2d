#pragma once
// Sections that the accuracy page and the report for review share: Markdown without their titles.

#include <optional>
#include <string>

#include "validate/compare/report.h"

namespace sparsesim {

/// What a file says, so that Markdown shows it as it is: no markup, no links, no HTML.
std::string markdown_text(const std::string& text);
/// A number with so many digits; empty where there is none.
std::string markdown_cell(std::optional<double> value, int digits = 1);

std::string time_section(const Comparison& comparison);
/// Empty where no row has a twin; so is variance_section().
std::string speedup_section(const Comparison& comparison);
std::string variance_section(const Comparison& comparison);
std::string failure_section(const Comparison& comparison);
std::string fitted_section(const Comparison& comparison);

}  // namespace sparsesim
