#include "sim/sweep/sweep_page.h"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/page/page.h"
#include "sim/sweep/values.h"

namespace sparsesim {

extern const PageTemplate kSweepPage;  // written at build time from sim/sweep/page

namespace sweep {
namespace {

using nlohmann::ordered_json;

/// Six digits: less than a pixel, and a third of the bytes.
ordered_json six_digits(double value) { return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr); }

/// What all points have of one thing; values that repeat are kept once.
class Column {
 public:
  void add(ordered_json value) {
    const auto [found, fresh] = known_.try_emplace(std::move(value), values_.size());
    if (fresh) values_.push_back(found->first);
    index_.push_back(found->second);
  }
  const ordered_json& values() const { return values_; }
  const std::vector<std::size_t>& index() const { return index_; }
  ordered_json json() const {
    if (values_.size() == 1) return {{"value", values_[0]}};
    if (2 * values_.size() <= index_.size()) return {{"values", values_}, {"index", index_}};
    ordered_json plain = ordered_json::array();
    for (const std::size_t i : index_) plain.push_back(values_[i]);
    return plain;
  }

 private:
  std::map<ordered_json, std::size_t> known_;
  ordered_json values_ = ordered_json::array();
  std::vector<std::size_t> index_;
};

/// Columns by name, in the order of their first value.
class Columns {
 public:
  Column& operator[](const std::string& name) {
    const auto [found, fresh] = index_.try_emplace(name, list_.size());
    if (fresh) list_.push_back({name, {}});
    return list_[found->second].second;
  }
  ordered_json json() const {
    ordered_json out = ordered_json::object();
    for (const auto& [name, column] : list_) out[name] = column.json();
    return out;
  }

 private:
  std::map<std::string, std::size_t> index_;
  std::vector<std::pair<std::string, Column>> list_;
};

class PageData {
 public:
  explicit PageData(const SweepRow& sweep) : sweep_(sweep), settings_(sweep.parameters.size()) {
    if (settings_.size() > kPageParametersMost) too_many("parameters", kPageParametersMost);
  }
  void add(const MemberRow& member, const PointRow& point);
  ordered_json json() const;

 private:
  [[noreturn]] void too_many(std::string_view what, std::size_t most) const {
    throw StoreError(fmt::format("sweep \"{}\": more than {} {}", sweep_.title, most, what), true);
  }
  void add_ops(const PointRow& point);
  ordered_json parameter(std::size_t i) const;

  const SweepRow& sweep_;
  std::vector<Column> settings_;
  Columns points_, ops_;
  std::vector<Column> factors_;
  std::map<std::string, std::size_t> terms_;
  ordered_json term_names_ = ordered_json::array();
  std::size_t count_ = 0, op_count_ = 0;
};

void PageData::add(const MemberRow& member, const PointRow& point) {
  for (std::size_t i = 0; i < settings_.size(); ++i) settings_[i].add(member.setting[i]);
  const bool runs = point.error.empty();
  const auto time = [&](double value) { return runs ? ordered_json(value) : ordered_json(); };
  const auto share = [&](double value) { return runs ? six_digits(value) : ordered_json(); };
  points_["position"].add(member.position);
  points_["substrate_name"].add(point.substrate);
  points_["workload_name"].add(point.workload);
  points_["dense_us"].add(time(point.dense_us));
  points_["sparse_us"].add(time(point.sparse_us));
  points_["ideal_speedup"].add(share(point.ideal_speedup));
  points_["coverage"].add(share(point.coverage));
  points_["bound_dense"].add(point.bound_dense);
  points_["bound_sparse"].add(point.bound_sparse);
  points_["error"].add(runs ? ordered_json() : ordered_json(point.error));
  for (const auto& [term, factor] : point.lost) {
    const auto [found, fresh] = terms_.try_emplace(term, factors_.size());
    if (fresh) {
      if (factors_.size() == kPageTermsMost) too_many("terms in its waterfalls", kPageTermsMost);
      factors_.emplace_back();
      term_names_.push_back(term);
    }
    Column& column = factors_[found->second];
    while (column.index().size() < count_) column.add(nullptr);
    column.add(six_digits(factor));
  }
  ++count_;
  add_ops(point);
}

void PageData::add_ops(const PointRow& point) {
  points_["ops"].add(point.ops.size());
  op_count_ += point.ops.size();
  if (op_count_ > kPageOpsMost) return;
  for (const OpRow& op : point.ops) {
    ops_["name"].add(op.name);
    ops_["kind"].add(op.kind);
    ops_["pattern"].add(op.pattern);
    ops_["repeat"].add(op.repeat);
    ops_["dense_us"].add(op.dense_us);
    ops_["sparse_us"].add(op.sparse_us);
    ops_["fallback"].add(op.fallback);
  }
}

/// Numbers are there where every value is one.
ordered_json PageData::parameter(std::size_t i) const {
  const ordered_json& values = settings_[i].values();
  ordered_json numbers = ordered_json::array();
  for (const ordered_json& value : values) {
    const auto number = numeric(value.get_ref<const std::string&>());
    if (!number) {
      numbers = nullptr;
      break;
    }
    numbers.push_back(*number);
  }
  return {{"path", sweep_.parameters[i]}, {"values", values}, {"numbers", numbers}, {"index", settings_[i].index()}};
}

ordered_json PageData::json() const {
  ordered_json parameters = ordered_json::array(), factors = ordered_json::array();
  for (std::size_t i = 0; i < settings_.size(); ++i) parameters.push_back(parameter(i));
  for (Column column : factors_) {
    while (column.index().size() < count_) column.add(nullptr);
    factors.push_back(column.json());
  }
  return {{"title", sweep_.title},     {"points", count_},
          {"planned", sweep_.points},  {"parameters", parameters},
          {"columns", points_.json()}, {"terms", term_names_},
          {"factors", factors},        {"ops", op_count_ > kPageOpsMost ? ordered_json() : ops_.json()}};
}

}  // namespace

std::string page_data(Store& store, std::string_view hash) {
  ordered_json sweeps = ordered_json::array();
  std::int64_t points = 0;
  for (const auto& [number, sweep] : store.sweeps()) {
    if (!hash.empty() && sweep.hash != hash) continue;
    PageData data(sweep);
    store.for_each(number, [&](const MemberRow& member, const PointRow& point) {
      if (++points > kPagePointsMost)
        throw StoreError(
            fmt::format("more than {} points: too many for a page; csv and jsonl hold any number", kPagePointsMost),
            true);
      data.add(member, point);
    });
    sweeps.push_back(data.json());
  }
  return ordered_json{{"version", SPARSESIM_VERSION}, {"sweeps", sweeps}}.dump(-1, ' ', false,
                                                                               ordered_json::error_handler_t::replace);
}

std::string sweep_page(Store& store, std::string_view hash) { return write_page(kSweepPage, page_data(store, hash)); }

}  // namespace sweep
}  // namespace sparsesim
