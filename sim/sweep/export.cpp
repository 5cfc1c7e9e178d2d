#include "sim/sweep/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/config/reader.h"
#include "sim/stats/csv.h"

namespace sparsesim::sweep {
namespace {

using Json = nlohmann::json;
using Names = std::vector<std::string>;

constexpr std::size_t kMostColumns = 1000;  // more is no sweep but an attempt to fill the disk

/// Invalid UTF-8 becomes U+FFFD.
std::string json_text(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// A value as CSV and as JSON have it.
struct Cell {
  std::string csv, json;
};

Cell text_cell(const std::string& text) { return {text, json_text(text)}; }
Cell plain_cell(const std::string& text) { return {text, text}; }  // the same in both
Cell number_cell(double value) {
  return std::isfinite(value) ? plain_cell(config::format_number(value)) : Cell{"", "null"};
}
Cell missing_cell() { return {"", "null"}; }

/// A value of a setting: a number where its text is one.
Cell setting_cell(const std::string& text) {
  return Json::parse(text, nullptr, false).is_number() ? plain_cell(text) : text_cell(text);
}

void add_name(Names& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  if (names.size() >= kMostColumns)
    throw StoreError(fmt::format("more than {} parameters or terms: too many columns", kMostColumns), true);
  names.push_back(name);
}

class Exporter {
 public:
  Exporter(Store& store, ExportTable table, ExportFormat format, const std::function<void(const std::string&)>& write)
      : store_(store), table_(table), format_(format), write_(write) {}
  void run(std::string_view hash);

 private:
  using Sweeps = std::vector<std::pair<std::int64_t, SweepRow>>;
  using Cells = std::vector<Cell>;

  void find_columns(const Sweeps& sweeps);
  Cells place(const SweepRow& sweep, const MemberRow& member) const;
  void add_point(Cells& row, const PointRow& point) const;
  static void add_op(Cells& row, std::int64_t position, const OpRow& op);
  void write(const Cells& row) const;

  Store& store_;
  ExportTable table_;
  ExportFormat format_;
  const std::function<void(const std::string&)>& write_;
  Names parameters_, terms_, columns_;
};

void Exporter::find_columns(const Sweeps& sweeps) {
  for (const auto& [number, sweep] : sweeps) {
    for (const std::string& path : sweep.parameters) add_name(parameters_, path);
    if (table_ == ExportTable::points)
      store_.for_each(number, [&](const MemberRow&, const PointRow& point) {
        for (const auto& [term, factor] : point.lost) add_name(terms_, term);
      });
  }
  columns_ = {"sweep", "position"};
  columns_.insert(columns_.end(), parameters_.begin(), parameters_.end());
  Names rest = table_ == ExportTable::points
                   ? Names{"point",       "substrate_name",   "workload_name", "seed",           "dense_us",
                           "sparse_us",   "realised_speedup", "ideal_speedup", "quick_estimate", "coverage",
                           "bound_dense", "bound_sparse",     "fallback",      "error"}
                   : Names{"point", "op", "name", "kind", "pattern", "repeat", "dense_us", "sparse_us", "fallback"};
  columns_.insert(columns_.end(), rest.begin(), rest.end());
  for (const std::string& term : terms_) columns_.push_back("lost." + term);
}

Exporter::Cells Exporter::place(const SweepRow& sweep, const MemberRow& member) const {
  Cells row{text_cell(sweep.title), plain_cell(std::to_string(member.position))};
  for (const std::string& path : parameters_) {
    const auto found = std::find(sweep.parameters.begin(), sweep.parameters.end(), path);
    row.push_back(found == sweep.parameters.end() ? missing_cell()
                                                  : setting_cell(member.setting[found - sweep.parameters.begin()]));
  }
  row.push_back(text_cell(member.point));
  return row;
}

void Exporter::add_point(Cells& row, const PointRow& point) const {
  row.insert(row.end(),
             {text_cell(point.substrate), text_cell(point.workload), plain_cell(std::to_string(point.seed))});
  for (const double value : {point.dense_us, point.sparse_us, point.realised_speedup, point.ideal_speedup,
                             point.quick_estimate, point.coverage})
    row.push_back(point.error.empty() ? number_cell(value) : missing_cell());
  row.insert(row.end(), {text_cell(point.bound_dense), text_cell(point.bound_sparse),
                         plain_cell(point.fallback ? "true" : "false"), text_cell(point.error)});
  for (const std::string& term : terms_) {
    const auto found =
        std::find_if(point.lost.begin(), point.lost.end(), [&](const auto& lost) { return lost.first == term; });
    row.push_back(found == point.lost.end() ? missing_cell() : number_cell(found->second));
  }
}

void Exporter::add_op(Cells& row, std::int64_t position, const OpRow& op) {
  row.insert(row.end(), {plain_cell(std::to_string(position)), text_cell(op.name), text_cell(op.kind),
                         text_cell(op.pattern), plain_cell(std::to_string(op.repeat)), number_cell(op.dense_us),
                         number_cell(op.sparse_us), text_cell(op.fallback)});
}

void Exporter::write(const Cells& row) const {
  if (format_ == ExportFormat::csv) {
    Names fields;
    for (const Cell& cell : row) fields.push_back(cell.csv);
    return write_(csv_line(fields));
  }
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i)
    line += fmt::format("{}{}: {}", i == 0 ? "{" : ", ", json_text(columns_[i]), row[i].json);
  write_(line + "}\n");
}

void Exporter::run(std::string_view hash) {
  Sweeps sweeps = store_.sweeps();
  if (!hash.empty()) std::erase_if(sweeps, [&](const auto& sweep) { return sweep.second.hash != hash; });
  find_columns(sweeps);
  if (format_ == ExportFormat::csv) write_(csv_line(columns_));
  for (const auto& [number, sweep] : sweeps)
    store_.for_each(number, [&, &row_sweep = sweep](const MemberRow& member, const PointRow& point) {
      const Cells row = place(row_sweep, member);
      if (table_ == ExportTable::points) {
        Cells whole = row;
        add_point(whole, point);
        return write(whole);
      }
      std::int64_t position = 0;
      for (const OpRow& op : point.ops) {
        Cells whole = row;
        add_op(whole, position++, op);
        write(whole);
      }
    });
}

}  // namespace

void export_rows(Store& store, ExportTable table, ExportFormat format,
                 const std::function<void(const std::string&)>& write, std::string_view hash) {
  Exporter(store, table, format, write).run(hash);
}

}  // namespace sparsesim::sweep
