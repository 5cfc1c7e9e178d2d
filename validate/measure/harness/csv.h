#pragma once
// Comma-separated text as RFC 4180 has it.

#include <string>
#include <string_view>
#include <vector>

namespace sparsesim::measure {

struct CsvRecord {
  int line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

/// Splits a text; empty lines are left out. Errors: std::invalid_argument with the line of a quote that is not closed
/// or stands inside a field.
std::vector<CsvRecord> read_csv(std::string_view text);
/// One line with its end; fields with commas, quotes or line ends are quoted.
std::string csv_line(const std::vector<std::string>& fields);

/// The whole of a file. Errors: std::invalid_argument with its name and the system's reason.
std::string read_whole(const std::string& path);
/// Writes a whole file or nothing: a temporary file beside it, renamed at the end.
/// Errors: std::runtime_error with its name and the system's reason.
void write_whole(const std::string& path, const std::string& content);

}  // namespace sparsesim::measure
