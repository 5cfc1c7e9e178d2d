#include "models/compute/machine.h"

#include <algorithm>
#include <cmath>

namespace sparsesim {
namespace {

constexpr double kPsPerSecond = 1e12;
// Chunks of merged steps in a launch, pipeline fills apart: two events each.
constexpr double kChunkBudget = 4000;
// Tasks whose pipes take turns share them with their neighbours in finer turns.
constexpr double kAlternatingBudget = 16000;
// Steps that it pays to merge even where the budget would not ask for it.
constexpr double kMergedSteps = 8;

int chunk_limit(const Launch& launch, const TaskShape& shape) {
  const double tasks = std::max<double>(1, static_cast<double>(launch.tasks.size()));
  const double most = shape.pipes_overlap ? std::min(kChunkBudget / tasks, std::ceil(shape.steps / kMergedSteps))
                                          : kAlternatingBudget / tasks;
  return std::max(1, static_cast<int>(std::min(most, 64.0)));
}

// The pipeline fill stands alone, so that merging steps never delays the first multiply; the rest is cut evenly.
ChunkedShape cut_shape(const TaskShape& shape, int limit, double ps_per_cycle) {
  ChunkedShape cut;
  cut.steps = shape.steps;
  cut.fill_steps = std::min(shape.steps, std::max(1, shape.stages));
  const int rest = shape.steps - cut.fill_steps;
  const int fill = std::max(1, cut.fill_steps);
  cut.chunks = shape.steps > 0 ? 1 + std::min(limit, (rest + fill - 1) / fill) : 0;
  for (int pipe = 0; pipe < kPipes; ++pipe) {
    cut.step_ps[pipe] = shape.cycles_per_step[pipe] * ps_per_cycle;
    cut.step_total_ps =
        shape.pipes_overlap ? std::max(cut.step_total_ps, cut.step_ps[pipe]) : cut.step_total_ps + cut.step_ps[pipe];
  }
  cut.prologue_ps = shape.prologue_cycles * ps_per_cycle;
  cut.epilogue_ps = shape.epilogue_cycles * ps_per_cycle;
  return cut;
}

/// A thread plays one launch at a time: the event queue keeps its memory, and the width it adapted to, for the next.
Simulation& simulation_of_thread() {
  thread_local Simulation simulation;
  simulation.reset();
  return simulation;
}

}  // namespace

Machine::Machine(const Launch& launch, const Substrate& substrate, bool without_overfetch, double clock_hz)
    : launch_(launch),
      substrate_(substrate),
      without_overfetch_(without_overfetch),
      clock_hz_(clock_hz),
      simulation_(simulation_of_thread()),
      pipes_(substrate.compute.units),
      ports_(substrate.compute.units),
      l2_(static_cast<std::size_t>(std::max(1.0, substrate.memory.l2_chiplets.value))),
      dram_(substrate.memory, substrate.compute.units, launch.dram_share, launch.persistent) {
  const Memory& memory = substrate.memory;
  hit_latency_ps_ = 0.5 * (memory.l2_near_latency + memory.l2_far_latency) * kPsPerSecond;
  side_latency_ps_ = memory.side_latency * kPsPerSecond;
  l2_ps_per_byte_ = static_cast<double>(l2_.size()) * kPsPerSecond / memory.l2_bandwidth;
  side_ps_per_byte_ = memory.side_bandwidth > 0 ? kPsPerSecond / memory.side_bandwidth : 0;
  port_ps_per_byte_ = memory.l2_port > 0 ? kPsPerSecond / (memory.l2_port * clock_hz) : 0;
  dram_.start_slowly(launch.slow_start_seconds, launch.slow_start_share);
  prepare_shapes();
  prepare_cache();
  prepare_slots();
}

void Machine::prepare_shapes() {
  chunked_.reserve(launch_.shapes.size());
  for (const TaskShape& shape : launch_.shapes) {
    chunked_.push_back(cut_shape(shape, chunk_limit(launch_, shape), kPsPerSecond / clock_hz_));
    const ChunkedShape& cut = chunked_.back();
    if (cut.chunks > 0) group_steps_ = std::max(group_steps_, cut.steps - cut.begin(cut.chunks - 1));
  }
}

void Machine::prepare_cache() {
  std::uint32_t panels = 0, slices = 0;
  for (const Task& task : launch_.tasks) {
    const TaskShape& shape = launch_.shapes.at(task.shape);
    for (std::size_t i = 0; i < shape.streams.size(); ++i) panels = std::max(panels, task.panel.at(i) + 1);
    slices = std::max(slices, task.first_slice + static_cast<std::uint32_t>(shape.steps));
  }
  panel_groups_ = slices / static_cast<std::uint32_t>(group_steps_) + 1;
  const std::size_t groups = std::size_t{panels} * panel_groups_;
  cache_.reserve(l2_.size());
  for (std::size_t i = 0; i < l2_.size(); ++i) cache_.emplace_back(groups, shared_l2_bytes(substrate_.memory));
  if (substrate_.memory.side_bytes > 0) side_cache_.emplace(groups, substrate_.memory.side_bytes);
}

// Breadth first: slot s of every unit is filled before slot s + 1 of any.
void Machine::prepare_slots() {
  const auto units = static_cast<std::size_t>(substrate_.compute.units);
  const std::size_t wanted = std::min(units * std::max(1, launch_.tasks_per_unit), launch_.tasks.size());
  slots_.resize(wanted);
  for (std::size_t i = 0; i < wanted; ++i) {
    slots_[i].unit = static_cast<std::uint32_t>(i % units);
    slots_[i].chiplet = slots_[i].unit % static_cast<std::uint32_t>(l2_.size());
  }
}

void Machine::at(double ps, Kind kind, std::uint32_t id) {
  const auto whole = static_cast<std::int64_t>(ps);
  const std::int64_t rounded_up = whole + (static_cast<double>(whole) < ps);
  simulation_.at({std::max(rounded_up, simulation_.now().ps)}, kind, id);
}

LaunchResult Machine::run() {
  const double dispatch_ps = kPsPerSecond / substrate_.dispatch.rate;
  if (launch_.dead_tasks > 0) dispatcher_.serve(0, launch_.dead_tasks * dispatch_ps);
  for (std::uint32_t id = 0; id < slots_.size(); ++id) dispatch_next(slots_[id], id, 0);
  simulation_.run([this](const Event& event) {
    Slot& slot = slots_[event.id];
    switch (event.kind) {
      case kIssue:
        return issue(slot, event.id);
      case kCompute:
        return compute(slot, event.id);
      case kAhead:
        return load_ahead(slot);
      default:
        return finish(slot, event.id);
    }
  });
  for (const Server& l2 : l2_) end_ps_ = std::max(end_ps_, l2.free_ps);
  end_ps_ = std::max({end_ps_, side_.free_ps, dispatcher_.free_ps});
  return result();
}

// A persistent worker takes its next tile itself; otherwise the dispatcher starts a new task.
void Machine::dispatch_next(Slot& slot, std::uint32_t id, double ready_ps) {
  const bool first = next_task_ < slots_.size();
  const std::size_t task = first || !launch_.fixed_shares ? next_task_ : slot.task + slots_.size();
  if (task >= launch_.tasks.size()) return;
  double start_ps = ready_ps;
  if (first || !launch_.persistent) {
    const double work = kPsPerSecond / substrate_.dispatch.rate;
    const double hand_over = first ? 0 : substrate_.dispatch.hand_over * kPsPerSecond;
    start_ps = dispatcher_.serve(ready_ps, work) + work + hand_over;
  }
  ++next_task_;
  begin(slot, static_cast<std::uint32_t>(task), start_ps);
  start(slot, id);
}

void Machine::begin(Slot& slot, std::uint32_t task, double start_ps) {
  const TaskShape& shape = launch_.shapes.at(launch_.tasks[task].shape);
  slot.task = task;
  slot.started_ps = std::ceil(start_ps);
  slot.chunk = 0;
  slot.compute_end_ps = 0;
  counters_.tasks += 1;
  counters_.useful_macs += shape.useful_macs;
  counters_.issued_macs += shape.issued_macs;
}

// Nothing that others see happens before the end of the prologue, so a start is no event.
void Machine::start(Slot& slot, std::uint32_t id) {
  const ChunkedShape& cut = chunked_[launch_.tasks[slot.task].shape];
  at(slot.started_ps + cut.prologue_ps, cut.chunks > 0 ? kIssue : kFinish, id);
}

// When bytes that no cache has arrive from DRAM.
double Machine::read_dram(const Slot& slot, const Stream& stream, double bytes) {
  counters_.dram_bytes += bytes;
  const DomainMemory::Arrival arrival = dram_.read(now_ps(), slot.unit, bytes, stream.own_share);
  miss_latency_ps_ = arrival.latency_ps;
  return arrival.ready_ps;
}

// When bytes that the L2 of the chiplet lacks arrive: all pass the memory-side cache, what it lacks comes from DRAM.
double Machine::fill_l2(const Slot& slot, const Stream& stream, std::uint32_t group, int first, int last, double bytes,
                        double pace_ps) {
  if (!side_cache_) return read_dram(slot, stream, bytes);
  const double now = now_ps(), work = bytes * side_ps_per_byte_;
  const auto found = stream.cached ? side_cache_->lookup(group, first, last, now, pace_ps) : SliceCache::Lookup{};
  const double served = side_.serve(now, work) + work + side_latency_ps_;
  const double missing = bytes * (last - first - found.hit_steps) / (last - first);
  if (missing <= 0) return std::max(served, found.ready_ps);
  const double ready = std::max({served, found.ready_ps, read_dram(slot, stream, missing)});
  if (stream.cached) side_cache_->insert(group, first, last, missing, ready, now);
  return ready;
}

// When the missing steps among [first, last) of a panel arrive, or those on their way to L2 are there.
double Machine::fill(const Slot& slot, const Stream& stream, std::uint32_t panel, int first, int last,
                     double bytes_per_step, double pace_ps) {
  const double now = now_ps();
  if (stream.resident) {
    counters_.l2_hit_bytes += (last - first) * bytes_per_step;
    return now;
  }
  double ready = 0;
  SliceCache& cache = cache_[slot.chiplet];
  for (int begin = first; begin < last;) {
    const int index = begin / group_steps_, base = index * group_steps_;
    const int end = std::min(last, base + group_steps_);
    const std::uint32_t group = panel * panel_groups_ + static_cast<std::uint32_t>(index);
    const auto found =
        stream.cached ? cache.lookup(group, begin - base, end - base, now, pace_ps) : SliceCache::Lookup{};
    const double missing = (end - begin - found.hit_steps) * bytes_per_step;
    counters_.l2_hit_bytes += found.hit_steps * bytes_per_step;
    ready = std::max(ready, found.ready_ps);
    if (missing > 0) {
      ready =
          std::max(ready, fill_l2(slot, stream, group, begin - base + found.hit_steps, end - base, missing, pace_ps));
      if (stream.cached) cache.insert(group, begin - base, end - base, missing, ready, now);
    }
    begin = end;
  }
  return ready;
}

// When the last byte of steps [first, last) of a stream is in the unit.
double Machine::fetch(const Slot& slot, const Stream& stream, std::uint32_t panel, int first, int last,
                      double pace_ps) {
  const double bytes_per_step = without_overfetch_ ? stream.bytes_per_step : stream.line_bytes_per_step;
  const double bytes = (last - first) * bytes_per_step;
  counters_.l2_bytes += bytes * stream.l2_share;
  const double now = now_ps(), l2_work = bytes * stream.l2_share * l2_ps_per_byte_,
               port_work = bytes * port_ps_per_byte_;
  const double served =
      std::max(l2_[slot.chiplet].serve(now, l2_work) + l2_work, ports_[slot.unit].serve(now, port_work) + port_work);
  return std::max(served + hit_latency_ps_, fill(slot, stream, panel, first, last, bytes_per_step, pace_ps));
}

Machine::Arrival Machine::load(const Slot& slot, std::uint32_t id, int chunk) {
  const Task& task = launch_.tasks[id];
  const TaskShape& shape = launch_.shapes[task.shape];
  const ChunkedShape& cut = chunked_[task.shape];
  const int first = cut.begin(chunk), last = cut.begin(chunk + 1);
  const int begin = first + static_cast<int>(task.first_slice), end = last + static_cast<int>(task.first_slice);
  const double dram_before = counters_.dram_bytes;
  double arrival = now_ps();
  for (std::size_t i = 0; i < shape.streams.size(); ++i)
    arrival =
        std::max(arrival, fetch(slot, shape.streams[i], task.panel[i], begin, end, (last - first) * cut.step_total_ps));
  // Requests of a chunk interleave with those of other units: its first step arrives in proportion.
  const double unloaded = counters_.dram_bytes > dram_before ? miss_latency_ps_ : hit_latency_ps_;
  const double latency = std::min(unloaded, arrival - now_ps());
  const double first_arrival = now_ps() + latency + (arrival - now_ps() - latency) / (last - first);
  // Steps in flight limit the rate: a step is requested when the one `stages` before it is done, and takes a latency.
  const double rounds = std::max(0.0, static_cast<double>(last - first) / cut.fill_steps - 1);
  return {first_arrival, std::max(arrival, first_arrival + latency * rounds)};
}

void Machine::issue(Slot& slot, std::uint32_t id) {
  const Arrival arrival = load(slot, slot.task, slot.chunk);
  slot.last_arrival_ps = arrival.last_ps;
  at(std::max(arrival.first_ps, slot.compute_end_ps), kCompute, id);
}

// The buffers that the last steps of a task leave take the first steps of the worker's next one.
void Machine::load_ahead(Slot& slot) {
  const bool ended = slot.chunk < chunked_[launch_.tasks[slot.task].shape].chunks;  // at this very instant
  if (ended || next_task_ >= launch_.tasks.size()) return;
  slot.next = static_cast<std::uint32_t>(next_task_++);
  slot.ahead = true;
  const Arrival arrival = load(slot, slot.next, 0);
  slot.next_first_ps = arrival.first_ps;
  slot.next_last_ps = arrival.last_ps;
}

void Machine::compute(Slot& slot, std::uint32_t id) {
  const Task& task = launch_.tasks[slot.task];
  const TaskShape& shape = launch_.shapes[task.shape];
  const ChunkedShape& cut = chunked_[task.shape];
  const double steps = cut.begin(slot.chunk + 1) - cut.begin(slot.chunk);
  double begin = 0, end = now_ps(), cursor = now_ps();
  for (int pipe = 0; pipe < kPipes; ++pipe) {
    const double work = steps * cut.step_ps[pipe];
    if (work == 0) continue;
    const double start = pipes_[slot.unit][pipe].serve(cursor, work);
    begin = begin == 0 ? start : begin;
    end = std::max(end, start + work);
    if (!shape.pipes_overlap) cursor = start + work;
  }
  if (begin == 0) begin = now_ps();
  end = std::max(end, slot.last_arrival_ps + cut.step_total_ps);
  slot.compute_end_ps = end;
  // The next load takes the buffer that this chunk frees `stages` steps before its end.
  const double window = std::clamp((steps - cut.fill_steps + 1) / steps, 0.0, 1.0);
  const double freed = begin + (end - begin) * window;
  if (++slot.chunk < cut.chunks) return at(freed, kIssue, id);
  if (launch_.loads_ahead) at(freed, kAhead, id);
  at(end, kFinish, id);
}

void Machine::finish(Slot& slot, std::uint32_t id) {
  const Task& task = launch_.tasks[slot.task];
  const TaskShape& shape = launch_.shapes[task.shape];
  const ChunkedShape& cut = chunked_[task.shape];
  // Accumulators that the pipe does not wait for are stored one after the other, and taken again when that is done.
  const double stored_ps = std::max(now_ps(), slot.epilogue_end_ps);
  double end = (launch_.loads_ahead ? stored_ps : now_ps()) + cut.epilogue_ps;
  for (int pipe = 0; pipe < kPipes; ++pipe) {
    const double work = shape.epilogue_pipe_cycles[pipe] * kPsPerSecond / clock_hz_;
    if (work > 0) end = std::max(end, pipes_[slot.unit][pipe].serve(now_ps(), work) + work);
  }
  // What is written goes to L2, and to DRAM behind the task's back; scratch is read back from L2 later.
  const double through_l2 = shape.store_bytes + 2 * shape.scratch_bytes;
  if (through_l2 > 0) {
    counters_.l2_bytes += through_l2;
    counters_.dram_bytes += shape.store_bytes;
    const double work = through_l2 * l2_ps_per_byte_;
    end_ps_ = std::max(end_ps_, l2_[slot.chiplet].serve(now_ps(), work) + work + cut.epilogue_ps);
    // Chiplets see each other's results through the memory side alone.
    if (side_cache_) side_.serve(now_ps(), through_l2 * side_ps_per_byte_);
    dram_.write(now_ps(), slot.unit, shape.store_bytes);
  }
  end_ps_ = std::max(end_ps_, end);
  slot_busy_ps_ += end - slot.started_ps;
  if (spans_) {
    const auto whole = [](double ps) { return Time{static_cast<std::int64_t>(ps)}; };
    // A persistent worker's epilogue lies behind its next task: spans of one slot never overlap.
    spans_->push_back({slot.task, slot.unit, id, whole(slot.started_ps), whole(launch_.persistent ? now_ps() : end)});
  }
  const double free_ps = slot.epilogue_end_ps;
  slot.epilogue_end_ps = end;
  if (!slot.ahead) return dispatch_next(slot, id, launch_.persistent ? now_ps() : end);
  slot.ahead = false;
  begin(slot, slot.next, now_ps());
  slot.last_arrival_ps = slot.next_last_ps;
  at(std::max({now_ps(), slot.next_first_ps, free_ps}), kCompute, id);
}

LaunchResult Machine::result() const {
  LaunchResult result;
  result.counters = counters_;
  result.clock = clock_hz_;
  result.events = simulation_.processed();
  result.fixed_seconds = launch_.fixed_seconds;
  for (int pipe = 0; pipe < kPipes; ++pipe) {
    double busy = 0;
    for (const auto& unit : pipes_) busy += unit[pipe].busy_ps;
    result.busy[pipe] = busy / kPsPerSecond / substrate_.compute.units;
  }
  double l2_busy_ps = 0;
  for (const Server& l2 : l2_) l2_busy_ps += l2.busy_ps;
  result.busy[static_cast<int>(DeviceResource::l2)] = l2_busy_ps / kPsPerSecond / static_cast<double>(l2_.size());
  result.busy[static_cast<int>(DeviceResource::side_cache)] = side_.busy_ps / kPsPerSecond;
  result.busy[static_cast<int>(DeviceResource::dram)] = dram_.busy_ps() / kPsPerSecond;
  result.busy[static_cast<int>(DeviceResource::numa_link)] = dram_.link_busy_ps() / kPsPerSecond;
  result.counters.remote_bytes = dram_.remote_bytes();
  const double slots = static_cast<double>(substrate_.compute.units) * std::max(1, launch_.tasks_per_unit);
  result.balanced_seconds = slot_busy_ps_ / kPsPerSecond / slots;
  const double device = std::max(end_ps_ / kPsPerSecond, result.bound_seconds());
  result.fixed_seconds = std::max(result.fixed_seconds, launch_.host_seconds - device);
  result.time = Time::from_seconds(device + result.fixed_seconds);
  return result;
}

}  // namespace sparsesim
