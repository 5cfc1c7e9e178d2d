#include "models/compute/domains.h"

#include <algorithm>

namespace sparsesim {
namespace {

constexpr double kPicoseconds = 1e12;

std::size_t count_of(const Quantity& quantity) { return static_cast<std::size_t>(std::max(1.0, quantity.value)); }

/// Units are dealt to domains in blocks, as systems number their cores.
std::size_t domain_of(std::size_t unit, std::size_t units, std::size_t domains) { return unit * domains / units; }

/// 0 the same domain, 1 another of the socket, 2 another socket.
std::size_t hops(std::size_t a, std::size_t b, std::size_t per_socket) {
  if (a == b) return 0;
  return a / per_socket == b / per_socket ? 1 : 2;
}

double latency(const Memory& memory, std::size_t hops) {
  const Quantity* const far[] = {&memory.dram_latency, &memory.numa.remote_latency, &memory.numa.socket_latency};
  return std::max<double>(memory.dram_latency, *far[hops]);
}

/// Of the bytes that a task in domain `reader` asks for, the share that lies in `home`. own: of its part of an operand
/// where tasks are fixed to cores beforehand.
double share_at(NumaPlacement placement, std::size_t home, std::size_t reader, std::size_t domains, bool own) {
  if (placement == NumaPlacement::first_touch) return home == 0 ? 1 : 0;
  if (placement == NumaPlacement::local && own) return home == reader ? 1 : 0;
  return 1 / static_cast<double>(domains);
}

}  // namespace

double mean_distance(const Memory& memory, int units, bool own) {
  const std::size_t domains = count_of(memory.numa.domains);
  if (domains == 1) return 1;
  const std::size_t per_socket = domains / count_of(memory.numa.sockets), count = static_cast<std::size_t>(units);
  double sum = 0;
  for (std::size_t unit = 0; unit < count; ++unit) {
    const std::size_t reader = domain_of(unit, count, domains);
    for (std::size_t home = 0; home < domains; ++home)
      sum +=
          share_at(memory.numa.placement, home, reader, domains, own) * latency(memory, hops(reader, home, per_socket));
  }
  return sum / static_cast<double>(count) / memory.dram_latency;
}

DomainMemory::DomainMemory(const Memory& memory, int units, double dram_share, bool fixed_tasks)
    : units_(static_cast<std::size_t>(units)),
      domains_(count_of(memory.numa.domains)),
      per_socket_(domains_ / count_of(memory.numa.sockets)),
      placement_(memory.numa.placement),
      fixed_tasks_(fixed_tasks),
      dram_(domains_),
      unit_ports_(units_),
      links_(2 * domains_),
      socket_links_(2 * (domains_ / per_socket_)) {
  const auto per_byte = [](double bandwidth) { return bandwidth > 0 ? kPicoseconds / bandwidth : 0; };
  ps_per_byte_ = static_cast<double>(domains_) * per_byte(memory.dram_achieved * dram_share);
  unit_ps_per_byte_ = per_byte(memory.dram_unit * dram_share);
  link_ps_per_byte_ = per_byte(memory.numa.link);
  socket_link_ps_per_byte_ = per_byte(memory.numa.socket_link);
  for (std::size_t i = 0; i < 3; ++i) latency_ps_[i] = latency(memory, i) * kPicoseconds;
}

void DomainMemory::start_slowly(double seconds, double share) {
  slow_until_ps_ = seconds * kPicoseconds;
  slow_share_ = share;
}

/// Calls f(home, bytes) for every domain that serves a part of a request.
template <class F>
void DomainMemory::spread(std::size_t reader, double bytes, double own_share, F&& f) {
  for (std::size_t home = 0; home < domains_; ++home) {
    double share = share_at(placement_, home, reader, domains_, false);
    if (fixed_tasks_ && own_share > 0)
      share += own_share * (share_at(placement_, home, reader, domains_, true) - share);
    if (share > 0) f(home, bytes * share);
  }
}

double DomainMemory::cross(std::vector<Server>& links, double now_ps, std::size_t from, std::size_t to,
                           double work_ps) {
  if (work_ps <= 0) return now_ps;
  return std::max(links[2 * from].serve(now_ps, work_ps), links[2 * to + 1].serve(now_ps, work_ps)) + work_ps;
}

/// When the last of bytes between a unit's domain and another, or its own, has been served, without the latency.
double DomainMemory::serve(double now_ps, std::size_t reader, std::size_t home, double bytes) {
  const bool slow = std::max(now_ps, dram_[home].free_ps) < slow_until_ps_;
  const double work = bytes * ps_per_byte_ / (slow ? slow_share_ : 1);
  const double served = dram_[home].serve(now_ps, work) + work;
  if (home == reader) return served;
  remote_bytes_ += bytes;
  const bool near = hops(reader, home, per_socket_) == 1;
  return std::max(served, near ? cross(links_, now_ps, home, reader, bytes * link_ps_per_byte_)
                               : cross(socket_links_, now_ps, home / per_socket_, reader / per_socket_,
                                       bytes * socket_link_ps_per_byte_));
}

DomainMemory::Arrival DomainMemory::read(double now_ps, std::uint32_t unit, double bytes, double own_share) {
  const std::size_t reader = domain_of(unit, units_, domains_);
  Arrival arrival{now_ps, 0};
  double alone = 0;
  spread(reader, bytes, own_share, [&](std::size_t home, double part) {
    const double away = latency_ps_[hops(reader, home, per_socket_)];
    arrival.ready_ps = std::max(arrival.ready_ps, serve(now_ps, reader, home, part) + away);
    arrival.latency_ps = std::max(arrival.latency_ps, away);
    alone += part * unit_ps_per_byte_ * (home == reader ? 1 : away / latency_ps_[0]);
  });
  if (unit_ps_per_byte_ > 0)
    arrival.ready_ps = std::max(arrival.ready_ps, unit_ports_[unit].serve(now_ps, alone) + alone + arrival.latency_ps);
  return arrival;
}

void DomainMemory::write(double now_ps, std::uint32_t unit, double bytes) {
  const std::size_t reader = domain_of(unit, units_, domains_);
  spread(reader, bytes, 0, [&](std::size_t home, double part) { serve(now_ps, reader, home, part); });
}

double DomainMemory::busy_ps() const {
  double busy = 0;
  for (const Server& dram : dram_) busy = std::max(busy, dram.busy_ps);
  return busy;
}

double DomainMemory::link_busy_ps() const {
  double busy = 0;
  for (const auto* links : {&links_, &socket_links_})
    for (const Server& link : *links) busy = std::max(busy, link.busy_ps);
  return busy;
}

}  // namespace sparsesim
