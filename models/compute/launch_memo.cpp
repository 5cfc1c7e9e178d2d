#include "models/compute/launch_memo.h"

#include <bit>
#include <string_view>
#include <type_traits>

namespace sparsesim {
namespace {

/// Two multiply-and-fold lanes with odd constants (golden ratio and square root of 3, as fractions of 2^64).
class Digest {
 public:
  void word(std::uint64_t value) {
    low_ = fold(low_ ^ value, 0x9E3779B97F4A7C15u);
    high_ = fold(high_ + value, 0xBB67AE8584CAA73Bu);
  }
  void number(double value) { word(std::bit_cast<std::uint64_t>(value)); }
  void pair(std::uint32_t a, std::uint32_t b) { word(std::uint64_t{a} << 32 | b); }
  LaunchMemo::Key key() const { return {low_, high_}; }

 private:
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) + static_cast<std::uint64_t>(product >> 64) + 1;
  }
  std::uint64_t low_ = 1, high_ = 2;
};

void add(Digest& digest, const TaskShape& shape) {
  digest.pair(static_cast<std::uint32_t>(shape.steps), static_cast<std::uint32_t>(shape.stages));
  digest.word(shape.pipes_overlap);
  for (const double cycles : shape.cycles_per_step) digest.number(cycles);
  for (const double cycles : shape.epilogue_pipe_cycles) digest.number(cycles);
  for (const double value : {shape.prologue_cycles, shape.epilogue_cycles, shape.store_bytes, shape.scratch_bytes,
                             shape.useful_macs, shape.issued_macs})
    digest.number(value);
  digest.word(shape.streams.size());
  for (const Stream& stream : shape.streams) {
    digest.number(stream.bytes_per_step);
    digest.number(stream.line_bytes_per_step);
    digest.number(stream.l2_share);
    digest.number(stream.own_share);
    digest.word(stream.cached);
    digest.word(stream.resident);
  }
}

}  // namespace

LaunchMemo::Key LaunchMemo::key(const Launch& launch, const Substrate& substrate, bool without_overfetch,
                                double clock_hz) {
  Digest digest;
  digest.number(clock_hz);
  digest.word(without_overfetch);
  digest.pair(static_cast<std::uint32_t>(launch.tasks_per_unit), launch.persistent);
  digest.pair(launch.fixed_shares, launch.loads_ahead);
  for (const double value : {launch.dram_share, launch.slow_start_seconds, launch.slow_start_share,
                             launch.fixed_seconds, launch.host_seconds, launch.dead_tasks})
    digest.number(value);
  digest.word(static_cast<std::uint64_t>(substrate.memory.numa.placement));
  // Power only decides the clock, and links are no part of a device.
  const auto add_number = [&](std::string_view path, const Quantity& quantity, auto&&...) {
    if (!path.starts_with("power.") && !path.starts_with("fabric.")) digest.number(quantity.value);
  };
  visit_each_fixed(const_cast<Substrate&>(substrate), add_number);
  digest.word(launch.shapes.size());
  for (const TaskShape& shape : launch.shapes) add(digest, shape);
  for (const Task& task : launch.tasks) {
    digest.pair(task.shape, task.first_slice);
    digest.pair(task.panel[0], task.panel[1]);
    digest.word(task.panel[2]);
  }
  return digest.key();
}

std::optional<LaunchResult> LaunchMemo::find(const Key& key) const {
  if (stop_ && *stop_) throw RunStopped();
  const std::lock_guard lock(mutex_);
  const auto found = results_.find(key);
  return found == results_.end() ? std::nullopt : std::optional(found->second);
}

void LaunchMemo::insert(const Key& key, const LaunchResult& result) {
  const std::lock_guard lock(mutex_);
  if (results_.size() >= kResultsMost) results_.clear();
  results_.emplace(key, result);
}

}  // namespace sparsesim
