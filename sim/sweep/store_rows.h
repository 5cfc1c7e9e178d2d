#pragma once
// Rows of a results file as SQLite has them. Private to this folder.

#include <SQLiteCpp/SQLiteCpp.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/sweep/store.h"

namespace sparsesim::sweep {

using Texts = std::vector<std::string>;
using Factors = std::vector<std::pair<std::string, double>>;

/// ["a", "b"]; bytes that are no UTF-8 become U+FFFD.
std::string json_of(const Texts& texts);
/// [["term", 1.5]]
std::string json_of(const Factors& factors);
/// The other way; nothing where it is something else.
std::optional<Texts> texts_of(const std::string& json);
std::optional<Factors> factors_of(const std::string& json);

/// Runs a prepared statement from its start with these values for its parameters, in order.
template <class... Values>
SQLite::Statement& start(SQLite::Statement& statement, const Values&... values) {
  statement.tryReset();
  int at = 0;
  (statement.bind(++at, values), ...);
  return statement;
}

/// Binds the columns of table `point` to an INSERT. Where there are no times they are NULL.
SQLite::Statement& bind_point(SQLite::Statement& insert, const PointRow& row);
/// The columns of table `point`, from column `at` on, without its ops; nothing where `lost` is no such list.
std::optional<PointRow> read_point(const SQLite::Statement& row, int at);

}  // namespace sparsesim::sweep
