#include "models/evaluate/program_player.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "models/network/exchange.h"

namespace sparsesim {

std::string_view name(Resource resource) {
  constexpr std::array<std::string_view, kResources> names{"tensor", "vector",    "special", "l2",    "side_cache",
                                                           "dram",   "numa_link", "fabric",  "fixed", "host"};
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

/// When devices, fabric and stages are done.
struct Clocks {
  explicit Clocks(int devices) : device_free(static_cast<std::size_t>(devices)) {}
  std::vector<Time> device_free;
  std::vector<Time> ends;  // of the stages so far
  Time fabric_free, last;

  /// The earliest start of a stage that waits for these.
  Time ready(const std::vector<int>& after) const {
    Time start;
    for (int index : after) {
      if (index < 0 || static_cast<std::size_t>(index) >= ends.size())
        throw std::logic_error("a stage waits for one that is not before it");
      start = std::max(start, ends[static_cast<std::size_t>(index)]);
    }
    return start;
  }
  Time finish(Time start, Time duration) {
    ends.push_back(checked_sum(start, duration));
    last = std::max(last, ends.back());
    return ends.back();
  }
};

/// The hosts of a program's devices, each on its own: the calls of an op are spread over what it issues.
class Issuers {
 public:
  Issuers(const Program& program, const IssueCost& cost)
      : cost_(cost),
        issued_(static_cast<std::size_t>(program.devices)),
        stages_(issued_.size()),
        clocks_(issued_.size(), program.stages.empty() ? cost.calls : Time{}) {
    for (const Stage& stage : program.stages) {
      if (stage.type == Stage::Type::exchange) {
        for (std::int64_t& count : stages_) ++count;
      } else if (stage.device >= 0 && stage.device < program.devices) {
        ++stages_[static_cast<std::size_t>(stage.device)];
      }
    }
  }
  /// When the next stage of a device is issued.
  Time issue(std::size_t device) {
    const std::int64_t index = issued_[device]++, all = stages_[device];
    Time own{cost_.calls.ps / all + (index < cost_.calls.ps % all ? 1 : 0)};
    if (index >= cost_.launched) own += cost_.launch;
    return clocks_[device] = checked_sum(clocks_[device], own);
  }
  Time issue_everywhere() {
    Time last;
    for (std::size_t device = 0; device < clocks_.size(); ++device) last = std::max(last, issue(device));
    return last;
  }
  Time done() const { return *std::max_element(clocks_.begin(), clocks_.end()); }

 private:
  const IssueCost cost_;
  std::vector<std::int64_t> issued_, stages_;
  std::vector<Time> clocks_;
};

class Player {
 public:
  Player(const Program& program, const Substrate& substrate, const Ideal& ideal, LaunchMemo* memo,
         const TraceOptions& trace, const IssueCost& issue)
      : program_(program),
        substrate_(substrate),
        ideal_(ideal),
        memo_(memo),
        trace_(trace),
        issuers_(program, issue),
        alone_(program.devices),
        hosted_(program.devices),
        device_busy_(static_cast<std::size_t>(program.devices)) {}

  ProgramResult run() {
    for (const Stage& stage : program_.stages) {
      if (stage.type == Stage::Type::launch)
        play_launch(stage);
      else
        play_exchange(stage);
    }
    // The device that ends last speaks for the program's bound; the fabric serves all.
    const auto& free = alone_.device_free;
    const auto slowest = std::max_element(free.begin(), free.end()) - free.begin();
    result_.busy = device_busy_[static_cast<std::size_t>(slowest)];
    result_.busy[static_cast<std::size_t>(Resource::fabric)] = fabric_busy_;
    result_.time = alone_.last;
    result_.host = issuers_.done();
    result_.hosted = std::max(hosted_.last, result_.host);
    return result_;
  }

 private:
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
    const Time issued = issuers_.issue(device);
    const auto play_on = [&](Clocks& clocks, Time earliest) {
      const Time start = std::max({earliest, clocks.ready(stage.after), clocks.device_free[device]});
      clocks.device_free[device] = clocks.finish(start, launch.time);
      return start;
    };
    play_on(alone_, {});
    const Time start = play_on(hosted_, issued);
    for (int r = 0; r < kDeviceResources; ++r) device_busy_[device][r] += launch.busy[r];
    device_busy_[device][static_cast<std::size_t>(Resource::fixed)] += launch.fixed_seconds;
    result_.counters.device = add(result_.counters.device, launch.counters);
    result_.counters.launches += 1;
    count_kernel(*stage.launch);
    result_.uses_devices = true;
    record(start, launch.time, stage.launch->name, "kernel", stage.device,
           trace_.timeline ? details(*stage.launch, launch) : Details());
    record_tasks(start, launch, stage);
  }

  void count_kernel(const Launch& launch) {
    auto use = std::find_if(result_.kernels.begin(), result_.kernels.end(),
                            [&](const KernelUse& known) { return known.name == launch.kernel; });
    if (use == result_.kernels.end()) use = result_.kernels.insert(use, {launch.kernel, 0, 0});
    use->launches += 1;
    use->tasks += static_cast<std::int64_t>(launch.tasks.size());
  }

  void play_exchange(const Stage& stage) {
    const ExchangeResult exchange = play_exchange_on(stage.exchange);
    const Time issued = issuers_.issue_everywhere();
    const auto play_on = [&](Clocks& clocks, Time earliest) {
      const Time start = std::max({earliest, clocks.ready(stage.after), clocks.fabric_free});
      clocks.fabric_free = clocks.finish(start, exchange.time);
      return start;
    };
    play_on(alone_, {});
    const Time start = play_on(hosted_, issued);
    fabric_busy_ += exchange.bound_seconds;
    result_.counters.messages += exchange.messages;
    result_.counters.fabric_bytes += exchange.bytes;
    result_.uses_fabric = true;
    record(start, exchange.time, stage.exchange.name, "exchange", program_.devices);
  }

  ExchangeResult play_exchange_on(const Exchange& exchange) const {
    return exchange_time(exchange, substrate_, ideal_);
  }

  static LaunchCounters add(const LaunchCounters& a, const LaunchCounters& b) {
    RunCounters left, right;
    left.device = a;
    right.device = b;
    return (left += right).device;
  }

  using Details = std::vector<std::pair<std::string, std::string>>;

  /// What ran and what it needed; resources by the time they need at their full rate.
  Details details(const Launch& launch, const LaunchResult& played) const {
    Details out = {{"kernel", launch.kernel},
                   {"tasks", fmt::format("{}", launch.tasks.size())},
                   {"resident tasks at most",
                    fmt::format("{:.0f}", static_cast<double>(launch.tasks_per_unit) * substrate_.compute.units)},
                   {"clock", fmt::format("{:.3f} GHz", played.clock / 1e9)},
                   {"fixed cost", fmt::format("{:.3f} us", played.fixed_seconds * 1e6)}};
    for (int r = 0; r < kDeviceResources; ++r)
      if (played.busy[r] > 0)
        out.emplace_back(fmt::format("{} busy", name(static_cast<Resource>(r))),
                         fmt::format("{:.3f} us", played.busy[r] * 1e6));
    LaunchCounters::visit(played.counters, [&](const char* key, double value, const char*) {
      if (value > 0) out.emplace_back(key, fmt::format("{:.0f}", value));
    });
    return out;
  }

  void record(Time start, Time duration, const std::string& what, const char* category, int process,
              Details details = {}) {
    if (!trace_.timeline) return;
    trace_.timeline->add({fmt::format("{}/{}", trace_.prefix, what), category, process, 0, trace_.origin + start,
                          duration, std::move(details)});
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
  Issuers issuers_;
  Clocks alone_, hosted_;  // with all issued before, and with the hosts in the way
  std::vector<std::array<double, kResources>> device_busy_;
  std::map<const Launch*, LaunchResult> played_;  // looked up only, never iterated
  double fabric_busy_ = 0;
  std::size_t traced_tasks_ = 0;
  ProgramResult result_;
};

}  // namespace

ProgramResult play_program(const Program& program, const Substrate& substrate, const Ideal& ideal, LaunchMemo* memo,
                           const TraceOptions& trace, const IssueCost& issue) {
  if (program.devices < 1) throw std::logic_error("a program needs a device");
  return Player(program, substrate, ideal, memo, trace, issue).run();
}

}  // namespace sparsesim
