// Hold model and accelerator network, our kernel beside the usual alternatives. One process run is one round: all cells
// share its minute and its core; scripts/bench takes ratios within rounds. A cell whose order differs from the
// reference kernel's fails.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "models/network/flows.h"
#include "scripts/benchmarks/cpu_clock.h"
#include "scripts/benchmarks/hold.h"
#include "scripts/benchmarks/network.h"
#ifdef SPARSESIM_WITH_SIMGRID
#include "scripts/benchmarks/peer_simgrid.h"
#endif

namespace sparsesim::bench {
namespace {

struct HoldCell {
  std::string increments;
  std::int64_t pending;
  std::int64_t warm_up() const { return std::max<std::int64_t>(3 * pending, 100'000); }
  std::int64_t holds() const { return 1'000'000; }
};

/// The wheel as it is on a processor without vector instructions.
struct PortableWheel : BatchWheel {
  PortableWheel() : BatchWheel(slowest()) {}
  static const SortVariant& slowest() {
    const SortVariant* variant = runnable_sort_variants();
    while (variant[1].function != nullptr) ++variant;
    return *variant;
  }
};

std::uint64_t reference_hash(const HoldCell& cell) {
  static std::map<std::pair<std::string, std::int64_t>, std::uint64_t> known;
  auto [entry, is_new] = known.try_emplace({cell.increments, cell.pending}, 0);
  if (is_new) {
    KernelHold<ReferenceQueue> hold(cell.increments);
    hold.fill(cell.pending);
    hold.run(cell.warm_up() + cell.holds());
    entry->second = hold.state.order_hash;
  }
  return entry->second;
}

template <class Hold>
void run_hold(benchmark::State& state, const HoldCell& cell, bool ordered) {
  for (auto _ : state) {
    Hold hold(cell.increments);
    hold.fill(cell.pending);
    hold.run(cell.warm_up());
    const double start = cpu_seconds();
    hold.run(cell.holds());
    const double seconds = cpu_seconds() - start;
    state.SetIterationTime(seconds);
    state.counters["ns"] = 1e9 * seconds / static_cast<double>(cell.holds());
    if (ordered && hold.state.order_hash != reference_hash(cell))
      state.SkipWithError("order differs from the reference");
  }
}

template <class Function>
void add(const std::string& name, Function function) {
  benchmark::RegisterBenchmark(name.c_str(), function)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);
}

void add_hold_cells() {
  for (const HoldCell& cell : {HoldCell{"exp", 100}, HoldCell{"bimodal", 100}, HoldCell{"exp", 10'000},
                               HoldCell{"uniform", 10'000}, HoldCell{"bimodal", 10'000}, HoldCell{"ticks", 10'000},
                               HoldCell{"zero50", 10'000}, HoldCell{"exp", 1'000'000}}) {
    const std::string prefix = "hold/" + cell.increments + "/" + std::to_string(cell.pending) + "/";
    add(prefix + "ring", [=](benchmark::State& s) { run_hold<RingHold>(s, cell, false); });
    add(prefix + "wheel", [=](benchmark::State& s) { run_hold<KernelHold<BatchWheel>>(s, cell, true); });
    add(prefix + "wheel_portable", [=](benchmark::State& s) { run_hold<KernelHold<PortableWheel>>(s, cell, true); });
    add(prefix + "function", [=](benchmark::State& s) { run_hold<FunctionHold>(s, cell, true); });
    add(prefix + "pod", [=](benchmark::State& s) { run_hold<PodHold>(s, cell, true); });
#ifdef SPARSESIM_WITH_SIMGRID
    if (cell.increments != "exp" || cell.pending > 10'000) continue;
    const auto time_peer = [=](auto function, std::int64_t holds) {
      return [=](benchmark::State& state) {
        for (auto _ : state) {
          const double seconds = function(cell.increments, cell.pending, 3 * cell.pending, holds);
          state.SetIterationTime(seconds);
          state.counters["ns"] = 1e9 * seconds / static_cast<double>(holds);
        }
      };
    };
    add(prefix + "simgrid_timers", time_peer(simgrid_timer_hold, 200'000));
    add(prefix + "simgrid_actors", time_peer(simgrid_actor_hold, 60'000));
#endif
  }
}

template <class Run>
void run_network(benchmark::State& state, const NetworkSpec& spec, std::int64_t requests, Run run) {
  static std::map<int, std::uint64_t> known;
  auto [hash, is_new] = known.try_emplace(spec.requests_per_sm, 0);
  if (is_new) hash->second = run_textbook<KernelSchedule<ReferenceQueue>>(spec, requests).hash;
  for (auto _ : state) {
    const double start = cpu_seconds();
    const NetworkResult result = run(spec, requests);
    const double seconds = cpu_seconds() - start;
    state.SetIterationTime(seconds);
    state.counters["ns"] = 1e9 * seconds / static_cast<double>(requests);
    state.counters["latency_ps"] = static_cast<double>(result.latency_ps) / static_cast<double>(result.completed);
    if (result.hash != hash->second) state.SkipWithError("request times differ from the reference");
  }
}

void add_network_cells() {
  for (const int width : {4, 16, 32}) {
    const NetworkSpec spec{132, width};
    const std::string prefix = "network/W/" + std::to_string(width) + "/";
    const auto cell = [&](const char* name, auto run) {
      add(prefix + name, [=](benchmark::State& state) { run_network(state, spec, 1'000'000, run); });
    };
    cell("function_per_hop", run_textbook<FunctionSchedule>);
    cell("pod_per_hop", run_textbook<KernelSchedule<ReferenceQueue>>);
    cell("wheel_per_hop", run_textbook<KernelSchedule<BatchWheel>>);
    cell("pod_analytic", run_analytic<ReferenceQueue>);
    cell("wheel_analytic", run_analytic<BatchWheel>);
#ifdef SPARSESIM_WITH_SIMGRID
    add(prefix + "simgrid_actors", [=](benchmark::State& state) {
      for (auto _ : state) {
        const SimgridNetwork network = simgrid_network(spec, 50'000);
        state.SetIterationTime(network.cpu_seconds);
        state.counters["ns"] = 1e9 * network.cpu_seconds / 50'000;
        state.counters["latency_ps"] =
            static_cast<double>(network.result.latency_ps) / static_cast<double>(network.result.completed);
      }
    });
#endif
  }
}

void add_construction_cell() {
  add("construction/1/simulation", [](benchmark::State& state) {
    constexpr int simulations = 10'000;
    for (auto _ : state) {
      const double start = cpu_seconds();
      for (int i = 0; i < simulations; ++i) {
        Simulation simulation;
        simulation.at({0}, 0, 0);
        simulation.run([](const Event&) {});
      }
      const double seconds = cpu_seconds() - start;
      state.SetIterationTime(seconds);
      state.counters["ns"] = 1e9 * seconds / simulations;
    }
  });
}

/// Hold models on as many threads, wall time per hold of each: scripts/bench runs these cells without pinning.
void add_thread_cells() {
  for (const int threads : {1, 2}) {
    add("threads/hold/" + std::to_string(threads), [=](benchmark::State& state) {
      constexpr std::int64_t holds = 5'000'000;
      for (auto _ : state) {
        const auto start = std::chrono::steady_clock::now();
        std::vector<std::thread> running;
        for (int i = 0; i < threads; ++i)
          running.emplace_back([] {
            KernelHold<BatchWheel> hold("exp");
            hold.fill(10'000);
            hold.run(holds);
          });
        for (std::thread& thread : running) thread.join();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        state.SetIterationTime(seconds);
        state.counters["ns"] = 1e9 * seconds / holds;
      }
    });
  }
}

/// Equal messages of 1 MiB among all pairs of devices on one switch.
void add_exchange_cells() {
  for (const int devices : {16, 64, 256}) {
    add("exchange/" + std::to_string(devices) + "/all_to_all", [=](benchmark::State& state) {
      for (auto _ : state) {
        const double start = cpu_seconds();
        const Topology topology = make_switch_topology(devices, {{400e9}, Time::from_us(1)});
        std::vector<Message> messages;
        for (int from = 0; from < devices; ++from)
          for (int to = 0; to < devices; ++to)
            if (from != to) messages.push_back({from, to, 1 << 20});
        const TransferResult result = transfer(topology, messages);
        const double seconds = cpu_seconds() - start;
        benchmark::DoNotOptimize(result.drain);
        state.SetIterationTime(seconds);
        state.counters["ns"] = 1e9 * seconds;
        state.counters["messages"] = result.messages;
      }
    });
  }
}

}  // namespace
}  // namespace sparsesim::bench

int main(int count, char** arguments) {
  sparsesim::bench::add_hold_cells();
  sparsesim::bench::add_network_cells();
  sparsesim::bench::add_construction_cell();
  sparsesim::bench::add_exchange_cells();
  sparsesim::bench::add_thread_cells();
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
