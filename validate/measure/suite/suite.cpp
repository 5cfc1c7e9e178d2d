#include "validate/measure/suite/suite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include "models/ops/registry.h"
#include "models/ops/weights/spmm_formats.h"
#include "sim/config/edit.h"
#include "sim/config/reader.h"
#include "validate/measure/suite/row_form.h"

namespace sparsesim {
namespace {

namespace fs = std::filesystem;
using config::Diagnostics;
using config::MapReader;
using config::Node;
using measure::PlanRow;

constexpr std::size_t kMostRows = 20'000;
constexpr std::int64_t kMostValues = 256;  // of a list in a grid

/// Words of an id: what a row is, in the order in which people say it.
std::string id_of(const PlanRow& row) {
  std::string id = row.op;
  if (row.pattern != row.op && row.pattern != "dense") id += "-" + row.pattern;
  for (const auto& [letter, size] : {std::pair{"m", row.m}, {"n", row.n}, {"k", row.k}})
    if (size > 0) id += fmt::format("-{}{}", letter, size);
  id += "-" + row.dtype;
  if (row.sparsity && !parse_n_of_m(row.pattern)) id += fmt::format("-s{}", *row.sparsity);
  for (const auto& [name, value] : row.params) id += fmt::format("-{}{}", name, value);
  if (!row.kernel.empty()) id += "-" + row.kernel.substr(row.kernel.find(':') + 1);
  return id;
}

class SuiteReader {
 public:
  SuiteReader(Node root, Diagnostics& diagnostics) : top_(std::move(root), diagnostics), diagnostics_(diagnostics) {}

  Suite read(const std::string& stem) {
    suite_.name = top_.text("name", stem);
    suite_.title = top_.text("title", "");
    if (const auto ops = top_.required("ops")) {
      if (ops->type() != Node::Type::sequence || ops->items().empty())
        top_.mistake("ops", "ops must be a list of at least one op");
      for (const Node& entry : ops->items()) read_entry(entry);
    }
    top_.finish();
    diagnostics_.throw_if_any();
    return std::move(suite_);
  }

 private:
  using Values = std::vector<config::Change>;

  void read_entry(const Node& entry) {
    if (diagnostics_.full()) return;
    MapReader map(entry, diagnostics_);
    std::vector<std::string> kernels = map.texts("kernels", kMostValues);
    if (kernels.empty()) kernels.emplace_back();
    const std::vector<Values> points = grid_points(map);
    const std::size_t before = diagnostics_.mistakes().size();
    for (const Values& point : points) {
      if (diagnostics_.mistakes().size() > before) return;  // the next points would repeat it
      read_point(config::with_changes(entry, point, {"grid", "kernels"}), kernels);
    }
  }

  /// Every combination of a grid's values, the last key turning fastest; one empty point where there is no grid.
  std::vector<Values> grid_points(MapReader& map) {
    std::vector<Values> points(1);
    const auto grid = map.map("grid");
    if (!grid) return points;
    for (const auto& [key, list] : grid->entries()) {
      const auto values = list.items();
      if (values.empty() || values.size() > kMostValues) {
        diagnostics_.add(list.key_position(), fmt::format("grid.{} is a list of 1 to {} values", key, kMostValues));
        return {};
      }
      if (key == "op" || map.node().find(key)) {
        diagnostics_.add(list.key_position(),
                         fmt::format("{} cannot stand in the grid{}", key, key == "op" ? "" : " and beside it"));
        return {};
      }
      if (points.size() * values.size() > kMostRows) {
        diagnostics_.add(list.key_position(), fmt::format("the grid has more than {} points", kMostRows));
        return {};
      }
      std::vector<Values> grown;
      for (const Values& point : points)
        for (const Node& value : values) {
          grown.push_back(point);
          grown.back().push_back({{key}, value});
        }
      points = std::move(grown);
    }
    return points;
  }

  void read_point(const Node& point, const std::vector<std::string>& kernels) {
    const OpKind* kind = kind_of(point);
    if (kind == nullptr) return;
    const std::size_t before = diagnostics_.mistakes().size();
    MapReader map(point, diagnostics_);
    map.text("op");
    // Rows with several kernels each own their op: it is read again for each.
    const PlanRow row = [&] {
      const auto op = kind->read(map);
      map.finish();
      return op == nullptr || diagnostics_.mistakes().size() > before ? PlanRow{} : row_of(*op, map);
    }();
    if (diagnostics_.mistakes().size() > before) return;
    for (const std::string& kernel : kernels) add_row(point, *kind, row, kernel);
  }

  const OpKind* kind_of(const Node& point) {
    const auto names = op_kind_names();
    MapReader map(point, diagnostics_);
    map.choice("op", std::vector<std::string_view>(names.begin(), names.end()));
    const auto op = point.find("op");
    return op ? find_op_kind(op->scalar()) : nullptr;
  }

  void add_row(const Node& point, const OpKind& kind, PlanRow row, const std::string& kernel) {
    row.kernel = kernel;
    row.id = id_of(row);
    if (!ids_.insert(row.id).second) {
      diagnostics_.add(point.position(), fmt::format("the row {} stands twice", row.id));
      return;
    }
    if (suite_.rows.size() == kMostRows) {
      diagnostics_.add(point.position(), fmt::format("more than {} rows", kMostRows));
      return;
    }
    try {
      op_from_row(measured_op(row));
    } catch (const UnsupportedError& error) {
      diagnostics_.add(point.position(), fmt::format("no measured row can say this: {}", error.what()));
      return;
    }
    MapReader map(point, diagnostics_);
    map.text("op");
    suite_.rows.push_back({std::move(row), kind.read(map)});
  }

  MapReader top_;
  Diagnostics& diagnostics_;
  Suite suite_;
  std::set<std::string> ids_;
};

std::string find_suite(const std::string& path_or_name, const SearchPath& search) {
  std::error_code error;
  const bool plain = path_or_name.find('/') == std::string::npos;
  if (fs::exists(path_or_name, error) && !(plain && fs::is_directory(path_or_name, error))) return path_or_name;
  const std::string file = path_or_name.ends_with(".yaml") ? path_or_name : path_or_name + ".yaml";
  for (const auto& folder : search.folders)
    if (const auto path = fs::path(folder) / file; fs::is_regular_file(path, error)) return path.string();
  const auto known = list_suites(search);
  const std::string near = config::nearest(fs::path(path_or_name).stem().string(), known);
  throw config::ConfigError(
      config::Mistake{{path_or_name, 0, 0},
                      "no such suite file, and no shipped suite of that name",
                      fmt::format("{}known: {}", near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near),
                                  fmt::join(known, ", ")),
                      ""});
}

}  // namespace

std::vector<PlanRow> Suite::plan(const std::string& device) const {
  std::vector<PlanRow> plan;
  for (const SuiteRow& row : rows) {
    plan.push_back(row.plan);
    plan.back().device = device;
  }
  return plan;
}

Suite load_suite(const std::string& path_or_name, const SearchPath& search) {
  const std::string path = find_suite(path_or_name, search);
  Diagnostics diagnostics;
  return SuiteReader(config::load_file(path, diagnostics), diagnostics).read(fs::path(path).stem().string());
}

Suite read_suite_text(const std::string& text, const std::string& name) {
  Diagnostics diagnostics;
  return SuiteReader(config::load_text(text, name, diagnostics), diagnostics).read(fs::path(name).stem().string());
}

std::vector<std::string> list_suites(const SearchPath& search) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& folder : search.folders)
    for (const auto& file : fs::directory_iterator(folder, error))
      if (file.path().extension() == ".yaml") names.insert(file.path().stem().string());
  return {names.begin(), names.end()};
}

MeasuredOp measured_op(const PlanRow& row) {
  MeasuredOp op;
  op.op = row.op;
  op.devices = row.devices;
  op.m = row.m;
  op.n = row.n;
  op.k = row.k;
  op.dtype = row.dtype;
  op.pattern = row.pattern.empty() ? "dense" : row.pattern;
  op.sparsity = row.sparsity;
  op.params = row.params;
  op.kernel = row.kernel;
  return op;
}

}  // namespace sparsesim
