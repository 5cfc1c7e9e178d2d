#include "models/network/flows.h"

#include <algorithm>
#include <cmath>

#include "models/network/max_min.h"
#include "models/network/symmetry.h"
#include "sim/core/simulation.h"

namespace sparsesim {
namespace {

/// The messages that cross links, as a sharing problem.
struct Crossing {
  SharingProblem problem;
  std::vector<double> bytes;  // [flows]
  std::vector<int> message;   // [flows]
  std::vector<Time> latency;  // [flows]
};

Crossing make_crossing(const Topology& topology, const std::vector<Message>& messages, double efficiency) {
  Crossing crossing;
  for (const LinkEdge& link : topology.links())
    crossing.problem.capacity.push_back(link.bandwidth.bytes_per_second * efficiency);
  crossing.problem.first.reserve(messages.size() + 1);
  crossing.problem.uses.reserve(2 * messages.size());
  crossing.problem.first.push_back(0);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    if (message.from == message.to || !(message.bytes > 0)) continue;
    crossing.latency.push_back(topology.append_route(message.from, message.to, crossing.problem.uses));
    crossing.problem.first.push_back(crossing.problem.uses.size());
    crossing.bytes.push_back(message.bytes);
    crossing.message.push_back(static_cast<int>(i));
  }
  return crossing;
}

double largest_load(const Topology& topology, const Crossing& crossing) {
  std::vector<double> load(topology.links().size(), 0.0);
  for (std::size_t f = 0; f < crossing.bytes.size(); ++f)
    for (std::size_t u = crossing.problem.first[f]; u < crossing.problem.first[f + 1]; ++u)
      load[static_cast<std::size_t>(crossing.problem.uses[u].link)] +=
          crossing.bytes[f] * crossing.problem.uses[u].share;
  double bound = 0;
  for (std::size_t l = 0; l < load.size(); ++l)
    bound = std::max(bound, load[l] / topology.links()[l].bandwidth.bytes_per_second);
  return bound;
}

/// Plays classes of flows to their ends. One pending event: the next end at the present rates.
class FlowPlayer {
 public:
  FlowPlayer(SharingProblem problem, std::vector<double> bytes, Time step)
      : sharing_(std::move(problem)),
        left_(std::move(bytes)),
        active_(left_.size(), 1),
        end_(left_.size()),
        step_(step) {}

  const std::vector<Time>& run() {
    schedule();
    simulation_.run([this](const Event&) {
      advance();
      schedule();
    });
    return end_;
  }
  std::int64_t events() const { return simulation_.processed(); }

 private:
  static constexpr double kPicosecond = 1e-12;

  void schedule() {
    rate_ = &sharing_.solve(active_);
    double next = -1;
    for (std::size_t f = 0; f < left_.size(); ++f) {
      if (!active_[f]) continue;
      const double seconds = left_[f] / (*rate_)[f];
      if (next < 0 || seconds < next) next = seconds;
    }
    if (next >= 0) simulation_.after(std::max(Time::from_seconds(next), std::max(step_, Time{1})), 0, 0);
  }

  void advance() {
    const double passed = (simulation_.now() - last_).seconds();
    last_ = simulation_.now();
    for (std::size_t f = 0; f < left_.size(); ++f) {
      if (!active_[f]) continue;
      left_[f] -= (*rate_)[f] * passed;
      // Ends were rounded up to a picosecond; what would go in less than that has gone.
      if (left_[f] > (*rate_)[f] * kPicosecond) continue;
      active_[f] = 0;
      end_[f] = simulation_.now();
    }
  }

  Simulation simulation_;
  MaxMin sharing_;
  std::vector<double> left_;
  std::vector<char> active_;
  std::vector<Time> end_;
  const std::vector<double>* rate_ = nullptr;
  Time last_, step_;
};

}  // namespace

TransferResult transfer(const Topology& topology, const std::vector<Message>& messages,
                        const TransferOptions& options) {
  TransferResult result;
  result.arrivals.resize(messages.size());
  const Crossing crossing = make_crossing(topology, messages, options.efficiency);
  if (crossing.bytes.empty()) return result;
  result.bound_seconds = largest_load(topology, crossing);
  const FlowClasses classes = classify(crossing.problem, crossing.bytes);
  std::vector<double> bytes;
  for (int flow : classes.example) bytes.push_back(crossing.bytes[static_cast<std::size_t>(flow)]);
  result.classes = static_cast<std::int64_t>(bytes.size());
  const bool exact = result.classes <= options.exact_classes;
  const Time step = exact ? Time{} : Time::from_seconds(result.bound_seconds / options.efficiency / options.grid);
  FlowPlayer player(classes.quotient, std::move(bytes), step);
  const std::vector<Time>& ends = player.run();
  result.events = player.events();
  for (std::size_t f = 0; f < crossing.bytes.size(); ++f) {
    const auto i = static_cast<std::size_t>(crossing.message[f]);
    const Time end = ends[static_cast<std::size_t>(classes.of_flow[f])];
    result.arrivals[i] = end + crossing.latency[f];
    result.drain = std::max(result.drain, end);
    result.time = std::max(result.time, result.arrivals[i]);
    result.bytes += crossing.bytes[f];
    result.messages += 1;
  }
  return result;
}

}  // namespace sparsesim
