#include "models/explore/atlas/points.h"

#include <fmt/format.h>

#include <array>

#include "models/evaluate/interval.h"
#include "models/network/topology.h"
#include "sim/config/node.h"

namespace sparsesim::atlas {
namespace {

sweep::Parameter parameter_of(const std::string& path) { return {path, {}, {path, 0, 0}}; }

std::string brief(const config::ConfigError& error) { return error.mistakes().front().message; }

}  // namespace

Study& Points::study(const Question& question, bool waterfall) {
  std::string key = fmt::format("{} {}", question.workload, waterfall);
  for (const auto& [path, value] : question.set) key += " " + path;
  const std::lock_guard lock(mutex_);
  auto& study = studies_[key];
  if (!study) {
    std::vector<sweep::Parameter> parameters = {parameter_of("substrate"), parameter_of("workload")};
    for (const auto& [path, value] : question.set) parameters.push_back(parameter_of(path));
    study = std::make_unique<Study>(std::move(parameters), StudyOptions{substrates_, workloads_, waterfall});
  }
  return *study;
}

StudyPoint Points::resolve(const Machine& machine, const Question& question, bool waterfall) {
  std::vector<std::string> setting = {machine.given, question.workload};
  for (const auto& [path, value] : question.set) setting.push_back(value);
  return study(question, waterfall).resolve(setting);
}

sweep::PointRow Points::point(Study& study, const StudyPoint& inputs) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(inputs.hash); known != known_.end()) return known->second;
    if (store_)
      if (const auto found = store_->find(inputs.hash)) {
        ++counts_.known;
        return known_[inputs.hash] = *found;
      }
  }
  sweep::PointRow row;
  try {
    row = study.simulate(inputs);
  } catch (const FabricError& error) {  // no path between two devices
    row.hash = inputs.hash;
    row.error = error.what();
  }
  const std::lock_guard lock(mutex_);
  if (const auto known = known_.find(inputs.hash); known != known_.end()) return known->second;  // by another thread
  ++counts_.simulated;
  if (store_) store_->add(row);
  return known_[inputs.hash] = row;
}

sweep::PointRow Points::at(const Machine& machine, const Question& question, bool waterfall) {
  try {
    const StudyPoint inputs = resolve(machine, question, waterfall);
    return point(study(question, waterfall), inputs);
  } catch (const config::ConfigError& error) {  // a type that the op does not have
    sweep::PointRow row;
    row.error = brief(error);
    return row;
  }
}

sweep::PointRow Points::on(const Substrate& substrate, const Machine& like, const Question& question) {
  StudyPoint inputs = resolve(like, question, false);
  inputs.substrate = std::make_shared<const Substrate>(substrate);
  inputs.hash = fnv1a(fmt::format("{}\n{}", inputs.hash, dump_substrate(substrate)));
  return point(study(question, false), inputs);
}

const std::vector<Points::Shifted>& Points::shifted_of(const Machine& machine) {
  const std::lock_guard lock(mutex_);
  auto& machines = shifted_[machine.given];
  if (machines.empty())
    for (Substrate& moved : shifted_machines(*machine.substrate)) {
      std::string digest = fnv1a(dump_substrate(moved));
      machines.push_back({std::make_shared<const Substrate>(std::move(moved)), std::move(digest)});
    }
  return machines;
}

Interval Points::interval(const Machine& machine, const Question& question, double speedup) {
  const StudyPoint real = resolve(machine, question, false);
  std::vector<double> speedups;
  for (const Shifted& moved : shifted_of(machine)) {
    const StudyPoint inputs = {moved.substrate, real.workload, fnv1a(fmt::format("{}\n{}", real.hash, moved.digest))};
    const sweep::PointRow row = point(study(question, false), inputs);
    speedups.push_back(row.error.empty() ? row.realised_speedup : speedup);
  }
  return interval_from(speedup, speedups);
}

}  // namespace sparsesim::atlas
