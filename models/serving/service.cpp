#include "models/serving/service.h"

#include <algorithm>
#include <deque>

#include "models/serving/request_source.h"
#include "models/serving/system_area.h"
#include "sim/core/simulation.h"

namespace sparsesim {
namespace {

enum ServiceEvent : std::uint32_t { kStepEnds, kStageFree, kArrival, kMakeStep };

struct Replica {
  Replica(const SchedulerLimits& limits, std::vector<Sequence>& sequences, int stages)
      : scheduler(limits, sequences), stage_free(static_cast<std::size_t>(stages)) {}
  Scheduler scheduler;
  std::vector<Time> stage_free;
  std::deque<std::vector<StepSequence>> in_flight;  // steps end in the order in which they begin
  std::int64_t present = 0;                         // requests in it
  bool planned = false;                             // a step is to be made at this instant
  Time busy;
};

class Service {
 public:
  Service(std::span<const Request> requests, const ServiceSettings& settings, StepCost& cost)
      : requests_(requests),
        settings_(settings),
        cost_(cost),
        source_(requests, settings.concurrency, simulation_, kArrival,
                kArrival * static_cast<std::uint32_t>(settings.replicas)),
        last_token_(requests.size()) {
    sequences_.reserve(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      sequences_.push_back({static_cast<std::int64_t>(i), requests[i].input, requests[i].output});
      sequences_.back().prefix = requests[i].prefix;
      require(most_blocks(requests[i]) <= settings.limits.blocks, "a request needs more blocks than there are");
    }
    for (int i = 0; i < settings.replicas; ++i) replicas_.emplace_back(settings.limits, sequences_, settings.stages);
    run_.requests.resize(requests.size());
    run_.batches.resize(static_cast<std::size_t>(settings.limits.max_sequences) + 1);
  }

  std::optional<ServiceRun> run() {
    if (!source_.play(settings_.stop, [&](const Event& event) { handle(event); })) return std::nullopt;
    return finish();
  }

 private:
  /// Blocks of a request when it is longest, with a chunk of any size in the making.
  std::int64_t most_blocks(const Request& request) const {
    const SchedulerLimits& limits = settings_.limits;
    return most_blocks_held(request.kept(), limits.max_batched_tokens, limits.block, limits.window);
  }

  std::uint32_t replicas() const { return static_cast<std::uint32_t>(replicas_.size()); }
  /// Equal instants are ordered by these: ends, free stages, arrivals, then new steps.
  std::uint32_t id(ServiceEvent event, std::size_t replica) const {
    return static_cast<std::uint32_t>(event) * replicas() + static_cast<std::uint32_t>(replica);
  }

  void handle(const Event& event) {
    const auto which = static_cast<std::size_t>(event.arg);
    if (event.kind == kArrival) return arrive(which);
    Replica& replica = replicas_[which];
    if (event.kind == kMakeStep) return make_step(replica, which);
    if (event.kind == kStepEnds) end_step(replica);
    plan_step(replica, which);
  }

  void arrive(std::size_t number) {
    const std::size_t to = choose_replica(number);
    area_.change(simulation_.now(), +1);
    ++replicas_[to].present;
    ServedRequest& record = run_.requests[number];
    record.arrival = simulation_.now();
    record.input = requests_[number].input;
    record.output = requests_[number].output;
    record.replica = static_cast<int>(to);
    if (number == 0) run_.start = simulation_.now();
    replicas_[to].scheduler.add(static_cast<std::int64_t>(number));
    plan_step(replicas_[to], to);
    source_.arrived();
  }

  std::size_t choose_replica(std::size_t number) const {
    if (settings_.router == Router::round_robin) return number % replicas_.size();
    const auto less = [](const Replica& a, const Replica& b) { return a.present < b.present; };
    return static_cast<std::size_t>(std::min_element(replicas_.begin(), replicas_.end(), less) - replicas_.begin());
  }

  void plan_step(Replica& replica, std::size_t number) {
    if (replica.planned) return;
    replica.planned = true;
    simulation_.at(simulation_.now(), kMakeStep, id(kMakeStep, number), number);
  }

  void make_step(Replica& replica, std::size_t number) {
    replica.planned = false;
    const Time now = simulation_.now();
    if (replica.stage_free.front() > now || replica.in_flight.size() >= replica.stage_free.size()) return;
    std::vector<StepSequence> step = replica.scheduler.next_step();
    if (step.empty()) return;
    count_step(step);
    const StepTime time = cost_.step(step);
    Time at = now;
    for (std::size_t stage = 0; stage < replica.stage_free.size(); ++stage) {
      Time work = time.stage;
      if (stage == 0) work = checked_sum(work, time.host);
      if (stage + 1 == replica.stage_free.size()) work = checked_sum(work, time.head);
      if (stage == 0) replica.busy = checked_sum(replica.busy, work);
      if (stage > 0) at = checked_sum(at, time.send);
      at = checked_sum(std::max(at, replica.stage_free[stage]), work);
      replica.stage_free[stage] = at;
    }
    if (replica.stage_free.size() > 1)
      simulation_.at(replica.stage_free.front(), kStageFree, id(kStageFree, number), number);
    simulation_.at(at, kStepEnds, id(kStepEnds, number), number);
    replica.in_flight.push_back(std::move(step));
  }

  void count_step(std::span<const StepSequence> step) {
    ++run_.steps;
    ++run_.batches[step.size()];
    for (const StepSequence& part : step) {
      run_.tokens += part.queries;
      ServedRequest& record = run_.requests[static_cast<std::size_t>(part.request)];
      Sequence& sequence = sequences_[static_cast<std::size_t>(part.request)];
      if (!sequence.begun) record.start = simulation_.now();
      sequence.begun = true;
    }
  }

  void end_step(Replica& replica) {
    const std::vector<StepSequence> step = std::move(replica.in_flight.front());
    replica.in_flight.pop_front();
    replica.scheduler.finish_step(step);
    const Time now = simulation_.now();
    for (const StepSequence& part : step) {
      if (!part.samples) continue;
      const auto number = static_cast<std::size_t>(part.request);
      const Sequence& sequence = sequences_[number];
      ++generated_;
      if (sequence.generated == 1)
        run_.requests[number].first_token = now;
      else
        count_gap(now - last_token_[number]);
      last_token_[number] = now;
      if (sequence.finished()) leave(replica, number);
    }
  }

  void count_gap(Time gap) {
    if (run_.gaps.empty() || run_.gaps.back().gap != gap) run_.gaps.push_back({gap, 0});
    ++run_.gaps.back().count;
    if (run_.gaps.size() < gaps_most_) return;
    merge_gaps();
    gaps_most_ = std::max(kGapsMost, 2 * run_.gaps.size());
  }

  void leave(Replica& replica, std::size_t number) {
    ServedRequest& record = run_.requests[number];
    record.end = run_.end = simulation_.now();
    record.preemptions = sequences_[number].preemptions;
    area_.change(simulation_.now(), -1);
    --replica.present;
    source_.answered();
    if (settings_.progress) settings_.progress(source_.answered_count(), requests_.size());
  }

  void merge_gaps() {
    std::vector<TokenGap>& gaps = run_.gaps;
    std::sort(gaps.begin(), gaps.end(), [](const TokenGap& a, const TokenGap& b) { return a.gap < b.gap; });
    std::size_t kept = 0;
    for (const TokenGap& gap : gaps) {
      if (kept > 0 && gaps[kept - 1].gap == gap.gap)
        gaps[kept - 1].count += gap.count;
      else
        gaps[kept++] = gap;
    }
    gaps.resize(kept);
  }

  ServiceRun finish() {
    std::int64_t outputs = 0;
    for (const ServedRequest& record : run_.requests) outputs += record.output;
    require(source_.answered_count() == requests_.size(), "requests were lost");
    require(outputs == generated_, "tokens were lost");
    for (Replica& replica : replicas_) {
      require(replica.scheduler.blocks().used() == 0, "blocks were not given back");
      run_.blocks_peak = std::max(run_.blocks_peak, replica.scheduler.blocks().peak());
      run_.preemptions += replica.scheduler.preemptions();
      run_.recomputed_tokens += replica.scheduler.recomputed_tokens();
      run_.asked_tokens += replica.scheduler.asked_tokens();
      run_.cached_tokens += replica.scheduler.cached_tokens();
      run_.busy.push_back(replica.busy);
    }
    merge_gaps();
    run_.mean_in_system = area_.check(run_);
    return std::move(run_);
  }

  const std::span<const Request> requests_;
  const ServiceSettings& settings_;
  StepCost& cost_;
  Simulation simulation_;
  RequestSource source_;
  std::vector<Sequence> sequences_;
  std::vector<Time> last_token_;
  std::deque<Replica> replicas_;
  ServiceRun run_;
  static constexpr std::size_t kGapsMost = std::size_t{1} << 20;  // before equal ones are joined
  std::size_t gaps_most_ = kGapsMost;
  std::int64_t generated_ = 0;
  SystemArea area_;
};

}  // namespace

std::optional<ServiceRun> simulate_service(std::span<const Request> requests, const ServiceSettings& settings,
                                           StepCost& cost) {
  if (requests.empty()) return ServiceRun{};
  return Service(requests, settings, cost).run();
}

}  // namespace sparsesim
