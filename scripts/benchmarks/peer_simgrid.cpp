#include "scripts/benchmarks/peer_simgrid.h"

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u.hpp>

#include "scripts/benchmarks/cpu_clock.h"
#include "scripts/benchmarks/hold.h"

namespace sparsesim::bench {
namespace {

namespace sg4 = simgrid::s4u;
constexpr double microseconds = 1e-6;  // simulated seconds of SimGrid are our microseconds: its precision is absolute

sg4::Host* the_host() {  // SimGrid has one engine per process
  static sg4::Host* host = [] {
    static int count = 3;
    static char name[] = "bench", quiet[] = "--log=root.thres:critical", small[] = "--cfg=contexts/stack-size:16";
    static char* arguments[] = {name, quiet, small, nullptr};
    static sg4::Engine engine(&count, arguments);
    auto* zone = sg4::create_full_zone("zone");
    auto* made = zone->create_host("host", 1e9);
    zone->seal();
    return made;
  }();
  return host;
}

struct Stopwatch {
  std::int64_t warm_up, holds, seen = 0;
  double start = 0, seconds = 0;
  bool more() {
    if (seen == warm_up) start = cpu_seconds();
    if (seen == warm_up + holds) seconds = cpu_seconds() - start;
    return ++seen <= warm_up + holds;
  }
};

struct TimerHold {
  HoldState state;
  Stopwatch watch;
  void set(double date, std::uint64_t process) {
    simgrid::kernel::timer::Timer::set(date, [this, date, process] {
      if (!watch.more()) return;
      set(date + static_cast<double>(state.handle(static_cast<std::uint64_t>(date), process)) * microseconds, process);
    });
  }
};

}  // namespace

double simgrid_timer_hold(const std::string& increments, std::int64_t pending, std::int64_t warm_up,
                          std::int64_t holds) {
  TimerHold hold{HoldState(increments), {warm_up, holds}};
  sg4::Actor::create("keeper", the_host(),
                     [] { sg4::this_actor::sleep_for(1e9); });  // timers alone do not keep it running
  for (std::int64_t i = 0; i < pending; ++i) {
    const std::uint64_t bits = hold.state.random.bits();
    hold.set(sg4::Engine::get_clock() + static_cast<double>(hold.state.increments.draw(bits)) * microseconds,
             bits >> 52);
  }
  sg4::Engine::get_instance()->run();
  return hold.watch.seconds;
}

double simgrid_actor_hold(const std::string& increments, std::int64_t pending, std::int64_t warm_up,
                          std::int64_t holds) {
  HoldState state(increments);
  Stopwatch watch{warm_up, holds};
  for (std::int64_t i = 0; i < pending; ++i) {
    const std::uint64_t bits = state.random.bits();
    sg4::Actor::create("a", the_host(), [&state, &watch, bits] {
      sg4::this_actor::sleep_for(static_cast<double>(state.increments.draw(bits)) * microseconds);
      while (watch.more()) sg4::this_actor::sleep_for(static_cast<double>(state.handle(0, bits >> 52)) * microseconds);
    });
  }
  sg4::Engine::get_instance()->run();
  return watch.seconds;
}

SimgridNetwork simgrid_network(const NetworkSpec& spec, std::int64_t requests) {
  SimgridNetwork network;
  std::vector<double> banks(spec.banks), channels(spec.channels);
  const auto sleep = [](double ps) { sg4::this_actor::sleep_for(ps * microseconds); };
  const auto now_ps = [] { return sg4::Engine::get_clock() / microseconds; };
  for (std::uint32_t id = 0; id < spec.population(); ++id) {
    sg4::Actor::create("r", the_host(), [&, id] {
      sleep(static_cast<double>(draw_request(id, ~0u).think_ps));
      for (std::uint32_t turn = 0; requests > 0; ++turn) {
        --requests;
        const Request request = draw_request(id, turn);
        const double issued = now_ps();
        sleep(NetworkSpec::to_bank_ps);
        double& bank = banks[request.bank];
        bank = std::max(bank, now_ps()) + static_cast<double>(request.sectors * NetworkSpec::bank_sector_ps);
        sleep(bank - now_ps() + NetworkSpec::to_channel_ps);
        double& channel = channels[request.channel];
        channel = std::max(channel, now_ps()) + static_cast<double>(request.sectors * NetworkSpec::channel_sector_ps);
        const double back_at = channel + NetworkSpec::dram_ps + NetworkSpec::back_ps;
        network.result.latency_ps += static_cast<std::int64_t>(back_at - issued);
        ++network.result.completed;
        sleep(back_at - now_ps() + static_cast<double>(request.think_ps));
      }
    });
  }
  const double start = cpu_seconds();
  sg4::Engine::get_instance()->run();
  network.cpu_seconds = cpu_seconds() - start;
  return network;
}

}  // namespace sparsesim::bench
