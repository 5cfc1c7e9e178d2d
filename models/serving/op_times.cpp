#include "models/serving/op_times.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/evaluate/evaluate.h"
#include "models/ops/limits.h"
#include "models/whole/op_text.h"
#include "sim/core/parallel.h"

namespace sparsesim {
namespace {

/// The name without the layers in front: "layers 0-15: mlp.down" is mlp.down.
std::string part_name(const std::string& name) {
  const std::size_t colon = name.find(": ");
  return colon == std::string::npos ? name : name.substr(colon + 2);
}

bool has_framework(const Substrate& substrate) {
  return std::any_of(substrate.kernels.begin(), substrate.kernels.end(),
                     [](const Kernel& kernel) { return kernel.op == "framework_call"; });
}

}  // namespace

OpTimes::OpTimes(const Substrate& substrate, std::uint64_t seed, bool twins, int threads)
    : substrate_(substrate), seed_(seed), twins_(twins), threads_(threads) {
  if (has_framework(substrate)) issue_ = host_of(HostKind::eager, substrate).cost(1);
}

OpTime OpTimes::simulate(const ModelOp& op, std::string& reason) {
  OpTime time;
  try {
    const auto read = read_op_text(op.keys, op.place.file);
    time.patterned = read->pattern() != "dense";
    const auto twin = [&] { return predict_dense(*read, substrate_, seed_, {}, &memo_, issue_); };
    ProgramResult own;
    try {
      own = time.patterned ? predict_sparse(*read, substrate_, seed_, {}, &memo_, issue_) : twin();
    } catch (const UnsupportedError& error) {
      if (!time.patterned) throw;
      time.fallback = true;
      own = twin();
      reason = error.what();
    }
    const ProgramResult other = twins_ && time.patterned && !time.fallback ? twin() : own;
    time.own = own.time;
    time.own_host = own.host;
    time.twin = other.time;
    time.twin_host = other.host;
  } catch (const UnsupportedError& error) {
    throw UnsupportedError(fmt::format("op \"{}\" of the model: {}", op.name, error.what()));
  } catch (const TooLargeError& error) {
    throw UnsupportedError(fmt::format("op \"{}\" of the model: {}", op.name, error.what()));
  }
  return time;
}

void OpTimes::learn(const std::vector<ModelOp>& ops) {
  std::map<Key, const ModelOp*> unknown;
  for (const ModelOp& op : ops)
    if (!times_.contains(key(op))) unknown.emplace(key(op), &op);
  std::vector<const ModelOp*> jobs;
  for (const auto& [text, op] : unknown) jobs.push_back(op);
  std::vector<OpTime> found(jobs.size());
  std::vector<std::string> reasons(jobs.size());
  for_each_index(jobs.size(), threads_, [&](std::size_t i) { found[i] = simulate(*jobs[i], reasons[i]); });
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    times_.emplace(key(*jobs[i]), found[i]);
    if (found[i].fallback) fallbacks_.emplace(part_name(jobs[i]->name), reasons[i]);
  }
}

}  // namespace sparsesim
