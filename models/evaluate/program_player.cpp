#include "models/evaluate/program_player.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "models/network/exchange.h"

namespace sparsesim {

std::string_view name(Resource resource) {
  constexpr std::array<std::string_view, kResources> names{"tensor",     "vector", "special", "l2",
                                                           "side_cache", "dram",   "fabric",  "fixed"};
  return names[static_cast<std::size_t>(resource)];
}

RunCounters& RunCounters::operator+=(const RunCounters& other) {
  std::vector<double> values;
  visit(other, [&](const char*, double value, const char*) { values.push_back(value); });
  auto next = values.begin();
  visit(*this, [&](const char*, double& value, const char*) { value += *next++; });
  return *this;
}

RunCounters& RunCounters::scale(double factor) {
  visit(*this, [&](const char*, double& value, const char*) { value *= factor; });
  return *this;
}

Resource ProgramResult::bound() const {
  return static_cast<Resource>(std::max_element(busy.begin(), busy.end()) - busy.begin());
}

double ProgramResult::bound_seconds() const {
  return std::max(*std::max_element(busy.begin(), busy.begin() + static_cast<int>(Resource::fixed)), 0.0);
}

double ProgramResult::utilisation() const {
  return time.ps > 0 ? busy[static_cast<std::size_t>(bound())] / time.seconds() : 0.0;
}

namespace {

class Player {
 public:
  Player(const Program& program, const Substrate& substrate, const Ideal& ideal, LaunchMemo* memo,
         const TraceOptions& trace)
      : program_(program),
        substrate_(substrate),
        ideal_(ideal),
        memo_(memo),
        trace_(trace),
        device_free_(static_cast<std::size_t>(program.devices)),
        device_busy_(static_cast<std::size_t>(program.devices)) {}

  ProgramResult run() {
    for (const Stage& stage : program_.stages) {
      if (stage.type == Stage::Type::launch)
        play_launch(stage);
      else
        play_exchange(stage);
    }
    // The device that ends last speaks for the program's bound; the fabric serves all.
    const auto slowest = std::max_element(device_free_.begin(), device_free_.end()) - device_free_.begin();
    result_.busy = device_busy_[static_cast<std::size_t>(slowest)];
    result_.busy[static_cast<std::size_t>(Resource::fabric)] = fabric_busy_;
    return result_;
  }

 private:
  Time ready(const Stage& stage) const {
    Time start;
    for (int index : stage.after) {
      if (index < 0 || static_cast<std::size_t>(index) >= ends_.size())
        throw std::logic_error("a stage waits for one that is not before it");
      start = std::max(start, ends_[static_cast<std::size_t>(index)]);
    }
    return start;
  }

  const LaunchResult& launch_result(const Stage& stage) {
    auto [entry, fresh] = played_.try_emplace(stage.launch.get());
    if (fresh) entry->second = play(*stage.launch, substrate_, ideal_, memo_);
    return entry->second;
  }

  void play_launch(const Stage& stage) {
    if (stage.device < 0 || stage.device >= program_.devices)
      throw std::logic_error("a stage names a device outside the program");
    const auto device = static_cast<std::size_t>(stage.device);
    const LaunchResult& launch = launch_result(stage);
    const Time start = std::max(ready(stage), device_free_[device]);
    finish(start, launch.time);
    device_free_[device] = ends_.back();
    for (int r = 0; r < kDeviceResources; ++r) device_busy_[device][r] += launch.busy[r];
    device_busy_[device][static_cast<std::size_t>(Resource::fixed)] += launch.fixed_seconds;
    result_.counters.device = add(result_.counters.device, launch.counters);
    result_.counters.launches += 1;
    result_.uses_devices = true;
    record(start, launch.time, stage.launch->name, "kernel", stage.device);
    record_tasks(start, launch, stage);
  }

  void play_exchange(const Stage& stage) {
    const ExchangeResult exchange = play_exchange_on(stage.exchange);
    const Time start = std::max(ready(stage), fabric_free_);
    finish(start, exchange.time);
    fabric_free_ = ends_.back();
    fabric_busy_ += exchange.bound_seconds;
    result_.counters.messages += exchange.messages;
    result_.counters.fabric_bytes += exchange.bytes;
    result_.uses_fabric = true;
    record(start, exchange.time, stage.exchange.name, "exchange", program_.devices);
  }

  ExchangeResult play_exchange_on(const Exchange& exchange) const {
    return exchange_time(exchange, substrate_, ideal_);
  }

  void finish(Time start, Time duration) {
    ends_.push_back(checked_sum(start, duration));
    result_.time = std::max(result_.time, ends_.back());
  }

  static LaunchCounters add(const LaunchCounters& a, const LaunchCounters& b) {
    RunCounters left, right;
    left.device = a;
    right.device = b;
    return (left += right).device;
  }

  void record(Time start, Time duration, const std::string& what, const char* category, int process) {
    if (!trace_.timeline) return;
    trace_.timeline->add(
        {fmt::format("{}/{}", trace_.prefix, what), category, process, 0, trace_.origin + start, duration});
  }

  /// Tasks follow the cost of the call. A trace keeps kTracedTasks of them at most, so that a viewer can open it.
  void record_tasks(Time start, const LaunchResult& launch, const Stage& stage) {
    if (!trace_.timeline || traced_tasks_ + stage.launch->tasks.size() > kTracedTasks) return;
    traced_tasks_ += stage.launch->tasks.size();
    const Time first = start + Time::from_seconds(launch.fixed_seconds);
    for (const TaskSpan& span : task_schedule(*stage.launch, substrate_, launch.clock))
      trace_.timeline->add({fmt::format("{}/{}/task {}", trace_.prefix, stage.launch->name, span.task), "task",
                            stage.device, static_cast<int>(span.slot) + 1, trace_.origin + first + span.start,
                            span.end - span.start});
  }

  static constexpr std::size_t kTracedTasks = 100'000;  // of one op
  const Program& program_;
  const Substrate& substrate_;
  const Ideal ideal_;
  LaunchMemo* const memo_;
  const TraceOptions trace_;
  std::vector<Time> device_free_;
  std::vector<std::array<double, kResources>> device_busy_;
  std::vector<Time> ends_;
  std::map<const Launch*, LaunchResult> played_;  // looked up only, never iterated
  Time fabric_free_;
  double fabric_busy_ = 0;
  std::size_t traced_tasks_ = 0;
  ProgramResult result_;
};

}  // namespace

ProgramResult play_program(const Program& program, const Substrate& substrate, const Ideal& ideal, LaunchMemo* memo,
                           const TraceOptions& trace) {
  if (program.devices < 1) throw std::logic_error("a program needs a device");
  return Player(program, substrate, ideal, memo, trace).run();
}

}  // namespace sparsesim
