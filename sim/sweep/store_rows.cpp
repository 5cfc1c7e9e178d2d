#include "sim/sweep/store_rows.h"

#include <nlohmann/json.hpp>

namespace sparsesim::sweep {
namespace {

using Json = nlohmann::json;

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string json_of(const Texts& texts) { return dumped(Json(texts)); }

std::string json_of(const Factors& factors) {
  Json list = Json::array();
  for (const auto& [term, factor] : factors) list.push_back(Json::array({term, factor}));
  return dumped(list);
}

std::optional<Texts> texts_of(const std::string& json) {
  const Json list = Json::parse(json, nullptr, false);
  if (!list.is_array()) return std::nullopt;
  Texts texts;
  for (const Json& item : list) {
    if (!item.is_string()) return std::nullopt;
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::optional<Factors> factors_of(const std::string& json) {
  const Json list = Json::parse(json, nullptr, false);
  if (!list.is_array()) return std::nullopt;
  Factors factors;
  for (const Json& item : list) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_string() || !item[1].is_number()) return std::nullopt;
    factors.emplace_back(item[0].get<std::string>(), item[1].get<double>());
  }
  return factors;
}

SQLite::Statement& bind_point(SQLite::Statement& insert, const PointRow& row) {
  start(insert, row.hash, row.substrate, row.workload, static_cast<std::int64_t>(row.seed), row.dense_us, row.sparse_us,
        row.realised_speedup, row.ideal_speedup, row.quick_estimate, row.coverage, row.bound_dense, row.bound_sparse,
        row.fallback ? 1 : 0, json_of(row.lost), row.error);
  constexpr int kFirstTime = 5, kLastTime = 10;
  for (int at = kFirstTime; at <= kLastTime && !row.error.empty(); ++at) insert.bind(at);
  return insert;
}

std::optional<PointRow> read_point(const SQLite::Statement& row, int at) {
  const auto text = [&] { return row.getColumn(at++).getString(); };
  const auto number = [&] { return row.getColumn(at++).getDouble(); };  // 0 for NULL
  PointRow point;
  point.hash = text();
  point.substrate = text();
  point.workload = text();
  point.seed = static_cast<std::uint64_t>(row.getColumn(at++).getInt64());
  for (double* value : {&point.dense_us, &point.sparse_us, &point.realised_speedup, &point.ideal_speedup,
                        &point.quick_estimate, &point.coverage})
    *value = number();
  point.bound_dense = text();
  point.bound_sparse = text();
  point.fallback = row.getColumn(at++).getInt() != 0;
  const std::optional<Factors> lost = factors_of(text());
  point.error = text();
  if (!lost) return std::nullopt;
  point.lost = *lost;
  return point;
}

}  // namespace sparsesim::sweep
