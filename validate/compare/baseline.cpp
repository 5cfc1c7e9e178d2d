#include "validate/compare/baseline.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace sparsesim {

namespace {

/// One row of both runs. Its errors may be unknown on either side.
struct Pair {
  const BaselineRow* before;
  const ComparedRow* after;
};

bool same_measurement(const BaselineRow& before, const ComparedRow& after) {
  const Measurement& m = after.measured;
  return before.device == m.device && before.op == m.op.op && before.pattern == m.op.pattern &&
         before.measured_us == m.time_us && before.measured_speedup == m.measured_speedup();
}

std::optional<RowChange> change_of(const Pair& pair, bool speedup) {
  const BaselineRow& old = *pair.before;
  const ComparedRow& now = *pair.after;
  const auto predicted = speedup ? old.predicted_speedup : old.predicted_us;
  const auto measured = speedup ? old.measured_speedup : old.measured_us;
  const auto after = speedup ? now.speedup_error() : now.time_error();
  if (!predicted || !measured || !after) return std::nullopt;
  RowChange out{old.id, old.file, old.op, old.pattern, old.device};
  out.speedup = speedup;
  out.measured = *measured;
  out.predicted_before = *predicted;
  out.predicted_after = speedup ? *now.predicted.speedup : now.predicted.time_us;
  out.before = absolute_percentage_error(*predicted, *measured);
  out.after = *after;
  return out;
}

QuantityChange summed(const std::vector<RowChange>& changes) {
  QuantityChange out;
  std::vector<double> before, after;
  for (const RowChange& change : changes) {
    ++out.rows;
    if (change.by() < -kSameError) ++out.better;
    if (change.by() > kSameError) ++out.worse;
    before.push_back(change.before);
    after.push_back(change.after);
  }
  out.before = mean(before);
  out.after = mean(after);
  return out;
}

std::vector<RowChange> changes_of(const std::vector<Pair>& pairs, bool speedup) {
  std::vector<RowChange> out;
  for (const Pair& pair : pairs)
    if (auto change = change_of(pair, speedup)) out.push_back(std::move(*change));
  return out;
}

FamilyChange family_change(const std::vector<Pair>& pairs) {
  FamilyChange out;
  for (const Pair& pair : pairs) {
    if (!pair.before->predicted_us) ++out.failed_before;
    if (pair.after->predicted.failed) ++out.failed_after;
  }
  out.time = summed(changes_of(pairs, false));
  const auto speedups = changes_of(pairs, true);
  out.speedup = summed(speedups);
  std::vector<double> before, after, measured;
  for (const RowChange& change : speedups) {
    before.push_back(change.predicted_before);
    after.push_back(change.predicted_after);
    measured.push_back(change.measured);
  }
  out.winner_before = sign_accuracy(before, measured);
  out.winner_after = sign_accuracy(after, measured);
  return out;
}

/// Fills in the largest changes each way, over times and speedups alike.
void add_largest(const std::vector<Pair>& pairs, Changes& out) {
  for (const bool speedup : {false, true})
    for (RowChange& change : changes_of(pairs, speedup)) {
      if (change.by() < -kSameError) out.better.push_back(change);
      if (change.by() > kSameError) out.worse.push_back(std::move(change));
    }
  std::stable_sort(out.better.begin(), out.better.end(), [](const auto& a, const auto& b) { return a.by() < b.by(); });
  std::stable_sort(out.worse.begin(), out.worse.end(), [](const auto& a, const auto& b) { return a.by() > b.by(); });
  if (out.better.size() > kLargestChanges) out.better.resize(kLargestChanges);
  if (out.worse.size() > kLargestChanges) out.worse.resize(kLargestChanges);
}

}  // namespace

Changes compare_with_baseline(const std::vector<ComparedRow>& rows, const Baseline& baseline) {
  Changes out;
  out.name = baseline.name;
  out.version = baseline.version;
  out.inputs_hash = baseline.inputs_hash;
  std::map<std::pair<std::string, std::string>, const BaselineRow*> before;
  for (const BaselineRow& row : baseline.rows) before[{row.file, row.id}] = &row;
  std::vector<Pair> pairs;
  for (const ComparedRow& row : rows) {
    const auto found = before.find({row.file, row.measured.id});
    if (found == before.end()) {
      ++out.only_after;
      continue;
    }
    if (same_measurement(*found->second, row))
      pairs.push_back({found->second, &row});
    else
      ++out.measured_anew;
    before.erase(found);
  }
  out.common = static_cast<int>(pairs.size());
  out.only_before = static_cast<int>(before.size());
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<Pair>> families;
  for (const Pair& pair : pairs) families[{pair.before->op, pair.before->pattern, pair.before->device}].push_back(pair);
  out.families.push_back(family_change(pairs));
  out.families.front().op = out.families.front().pattern = out.families.front().device = "*";
  for (const auto& [key, members] : families) {
    FamilyChange family = family_change(members);
    std::tie(family.op, family.pattern, family.device) = key;
    out.families.push_back(std::move(family));
  }
  add_largest(pairs, out);
  return out;
}

}  // namespace sparsesim
