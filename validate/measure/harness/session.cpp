#include "validate/measure/harness/session.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "validate/measure/harness/results.h"
#include "validate/measure/harness/series.h"

namespace sparsesim::measure {
namespace {

/// Rows measured together against one baseline.
struct Group {
  std::string key;
  std::vector<PlanRow> rows;
  bool checked = false;                    // kernels gave right results in this run
  std::set<SeriesKey> left;                // reported once, not tried again
  std::map<std::string, PlanRow> results;  // by id: rows as they will be written
};

/// A kernel in its visit, and whose samples it gives.
struct Lane {
  std::unique_ptr<Runner> runner;
  std::vector<SeriesKey> keys;
  int calls = 1;
  std::vector<double> samples = {};
};

struct Stopped {};

/// Same text, same number, on every machine: FNV-1a.
std::uint64_t mix(std::uint64_t seed, const std::string& text, int visit) {
  std::uint64_t hash = 14695981039346656037ULL ^ seed;
  for (const char c : text + "#" + std::to_string(visit))
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

class Session {
 public:
  Session(Backend& backend, const SessionOptions& options)
      : backend_(backend),
        options_(options),
        provenance_(backend.provenance()),
        results_(options.out),
        part_(options.out + ".part", provenance_ + "; seed " + std::to_string(options.seed) + "; sample " +
                                         std::to_string(options.sampling.sample_s)) {}

  SessionOutcome run(std::vector<PlanRow> rows) {
    make_groups(std::move(rows));
    const int visits = options_.sampling.visits, total = visits * static_cast<int>(groups_.size());
    int done = 0;
    try {
      for (int visit = 0; visit < visits; ++visit)
        for (Group& group : groups_) {
          check_stop();
          if (options_.progress) options_.progress(done++, total, group.rows.front().id);
          if (part_.problem(group.key).visits_done <= visit || !group.checked) visit_group(group, visit);
          if (visit + 1 == visits) finish(group);
        }
    } catch (const Stopped&) {
      outcome_.interrupted = true;
    }
    part_.write();
    return outcome_;
  }

 private:
  void check_stop() const {
    if (options_.stop != nullptr && *options_.stop) throw Stopped{};
  }

  void leave_out(Group* group, const PlanRow& row, const std::string& why) {
    if (group != nullptr && !group->left.insert({row.id, ""}).second) return;
    ++outcome_.left_out;
    options_.report("left out: " + row.id + ": " + why);
  }

  void fail(Group& group, const SeriesKey& key, const std::string& why) {
    if (!group.left.insert(key).second) return;
    ++outcome_.failed;
    options_.report("error: " + (key.id.empty() ? "baseline of " + group.rows.front().id : key.id) +
                    (key.kernel.empty() ? "" : " (" + key.kernel + ")") + ": " + why);
  }

  void make_groups(std::vector<PlanRow> rows) {
    std::map<std::string, std::size_t> place;
    for (PlanRow& row : rows) {
      if (!options_.device.empty()) row.device = options_.device;
      if (results_.has(row, provenance_)) {
        ++outcome_.kept;
        continue;
      }
      try {
        const auto [at, added] = place.emplace(backend_.problem_key(row), groups_.size());
        if (added) groups_.emplace_back().key = at->first;
        groups_[at->second].rows.push_back(std::move(row));
      } catch (const NotHere& error) {
        leave_out(nullptr, row, error.what());
      } catch (const std::invalid_argument& error) {  // a param that is no number
        ++outcome_.failed;
        options_.report(std::string("error: ") + error.what());
      }
    }
  }

  /// Kernels of a row that are wanted. A dense product's are those of the baseline: they are timed once.
  void add_row_lanes(Group& group, Problem& problem, const PlanRow& row, std::vector<Lane>& lanes) {
    if (group.left.contains({row.id, ""})) return;
    bool any = false;
    for (auto& runner : problem.runners(row)) {
      const std::string kernel = runner->kernel();
      if (!row.wants(kernel)) continue;
      any = true;
      PlanRow result = row;
      if (row.kernel.empty()) result.id += "-" + kernel.substr(kernel.find(':') + 1);
      result.kernel = kernel;
      const SeriesKey key{result.id, kernel};
      group.results[result.id] = result;
      if (group.left.contains(key)) continue;
      const auto twin = std::find_if(lanes.begin(), lanes.end(), [&](const Lane& lane) {
        return lane.keys[0] == SeriesKey{"", kernel};
      });
      if (row.op == "gemm" && twin != lanes.end())
        twin->keys.push_back(key);
      else
        lanes.push_back({std::move(runner), {key}});
    }
    if (!any) throw NotHere("no kernel " + (row.kernel.empty() ? "takes it" : row.kernel));
  }

  std::vector<Lane> make_lanes(Group& group, Problem& problem) {
    std::vector<Lane> lanes;
    for (auto& runner : problem.baselines()) {
      const SeriesKey key{"", runner->kernel()};
      if (!group.left.contains(key)) lanes.push_back({std::move(runner), {key}});
    }
    for (const PlanRow& row : group.rows) {
      check_stop();
      try {
        add_row_lanes(group, problem, row, lanes);
      } catch (const NotHere& error) {
        leave_out(&group, row, error.what());
      } catch (const std::exception& error) {
        fail(group, {row.id, ""}, error.what());
      }
    }
    return lanes;
  }

  /// Takes lanes with wrong results, and those that stop with an error, out for good.
  void check_lanes(Group& group, std::vector<Lane>& lanes) {
    std::erase_if(lanes, [&](Lane& lane) {
      check_stop();
      try {
        const double error = lane.runner->error();
        if (error <= 1) return false;  // not a number is wrong, too
        char why[96];
        std::snprintf(why, sizeof why, "wrong result: its largest error is %.3g times what its type allows", error);
        for (const SeriesKey& key : lane.keys) fail(group, key, why);
      } catch (const std::exception& error) {
        for (const SeriesKey& key : lane.keys) fail(group, key, error.what());
      }
      return true;
    });
    group.checked = true;
  }

  /// Warms up and finds how many calls make a sample. Returns seconds of one sample.
  double calibrate(Lane& lane) const {
    double seconds = lane.runner->run(1);
    for (int attempt = 0; attempt < 8; ++attempt) {
      seconds = lane.runner->run(lane.calls);
      if (seconds >= options_.sampling.sample_s) break;
      const double factor = 1.2 * options_.sampling.sample_s / std::max(seconds, 1e-9);
      lane.calls = static_cast<int>(std::clamp(std::ceil(lane.calls * std::min(factor, 1000.0)), 1.0, 1e7));
    }
    return seconds;
  }

  int rounds_for(double round_s, std::size_t kernels) const {
    const Sampling& s = options_.sampling;
    const double each_s = std::max(round_s / static_cast<double>(kernels), 1e-9);
    const int affordable = static_cast<int>(s.kernel_s / each_s);
    if (affordable >= s.rounds) return std::min(affordable, s.most_rounds);
    const int longest = static_cast<int>(s.longest_kernel_s / each_s);
    return std::clamp(longest, std::min(s.least_rounds, s.rounds), s.rounds);
  }

  void sample(std::vector<Lane>& lanes) const {
    double round_s = 0;
    for (Lane& lane : lanes) {
      check_stop();
      round_s += calibrate(lane);
    }
    const int rounds = lanes.empty() ? 0 : rounds_for(round_s, lanes.size());
    for (int round = 0; round < rounds; ++round)
      for (Lane& lane : lanes) {
        check_stop();
        lane.samples.push_back(lane.runner->run(lane.calls) / lane.calls);
      }
  }

  void visit_group(Group& group, int visit) {
    ProblemSeries& series = part_.problem(group.key);
    try {
      const auto problem = backend_.prepare(group.rows.front(), mix(options_.seed, group.key, visit));
      std::vector<Lane> lanes = make_lanes(group, *problem);
      if (!group.checked) check_lanes(group, lanes);
      if (series.visits_done > visit) return;  // sampled before an interruption; now checked anew
      sample(lanes);
      for (Lane& lane : lanes)
        for (const SeriesKey& key : lane.keys) {
          Visits& visits = series.samples[key];
          visits.resize(static_cast<std::size_t>(visit) + 1);
          visits.back() = lane.samples;
        }
      series.visits_done = visit + 1;
      part_.write();
    } catch (const NotHere& error) {
      for (const PlanRow& row : group.rows) leave_out(&group, row, error.what());
      series.visits_done = options_.sampling.visits;
    } catch (const std::exception& error) {
      for (const PlanRow& row : group.rows) fail(group, {row.id, ""}, error.what());
      series.visits_done = options_.sampling.visits;
    }
  }

  /// Estimates, with the fastest dense candidate as the baseline, and writes them.
  void finish(Group& group) {
    const ProblemSeries& series = part_.problem(group.key);
    std::string baseline;
    std::optional<double> baseline_us;
    for (const auto& [key, visits] : series.samples) {
      if (!key.id.empty() || group.left.contains(key)) continue;
      const double us = estimate(visits).p10_s * 1e6;
      if (!baseline_us || us < *baseline_us) baseline = key.kernel, baseline_us = us;
    }
    for (const auto& [id, row] : group.results) {
      const SeriesKey key{id, row.kernel};
      const auto found = series.samples.find(key);
      if (found == series.samples.end() || group.left.contains(key)) continue;
      const Estimate e = estimate(found->second);
      Result result{row, baseline, e.p10_s * 1e6, baseline_us, source_text(provenance_, today()), note_text(e)};
      if (row.op == "gemm") result.baseline.clear(), result.baseline_us.reset();
      results_.put(std::move(result));
      ++outcome_.measured;
    }
    results_.write();
    part_.finished(group.key);
    part_.write();
  }

  Backend& backend_;
  const SessionOptions& options_;
  std::string provenance_;
  Results results_;
  PartFile part_;
  std::vector<Group> groups_;
  SessionOutcome outcome_;
};

}  // namespace

Sampling Sampling::quick() {
  Sampling sampling;
  sampling.visits = 1;
  sampling.sample_s = 2e-4;
  sampling.rounds = sampling.most_rounds = 5;
  sampling.kernel_s = sampling.longest_kernel_s = 0.02;
  sampling.least_rounds = 2;
  return sampling;
}

SessionOutcome measure_plan(Backend& backend, std::vector<PlanRow> rows, const SessionOptions& options) {
  return Session(backend, options).run(std::move(rows));
}

}  // namespace sparsesim::measure
