#pragma once
// Main memory in NUMA domains: which server a byte comes from, over which links, how far it is (docs/models/numa.md).

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/compute/server.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// Mean over `units` of the latency to where data lie, over that of the own domain; >= 1.
///
/// own      the data are parts of an operand that each are read by one task alone, in static shares; else read by all
double mean_distance(const Memory& memory, int units, bool own);

/// The main memory of a device while a launch plays: one first-in-first-out server per domain, with an equal share of
/// the bandwidth, and links between domains and between sockets. A memory without domains is one server.
class DomainMemory {
 public:
  /// dram_share   of the best streaming bandwidth, what the launch reaches
  /// fixed_tasks  every task has a core of its own beforehand, so that its part may lie near it
  DomainMemory(const Memory& memory, int units, double dram_share, bool fixed_tasks);

  /// Until `seconds` from the launch's first task on, every byte takes 1 / share of its time.
  void start_slowly(double seconds, double share);

  struct Arrival {
    double ready_ps = 0;    // of the last byte, latency included
    double latency_ps = 0;  // idle, of the farthest
  };
  /// `bytes` that `unit` asks for at now_ps.
  ///
  /// own_share  of the bytes, those of an operand's part that no other task reads
  Arrival read(double now_ps, std::uint32_t unit, double bytes, double own_share);
  /// Bytes that leave behind the back of the task, spread like reads.
  void write(double now_ps, std::uint32_t unit, double bytes);

  double busy_ps() const;       // of the busiest domain
  double link_busy_ps() const;  // of the busiest link
  double remote_bytes() const { return remote_bytes_; }

 private:
  template <class F>
  void spread(std::size_t reader, double bytes, double own_share, F&& f);
  double serve(double now_ps, std::size_t reader, std::size_t home, double bytes);
  static double cross(std::vector<Server>& links, double now_ps, std::size_t from, std::size_t to, double work_ps);

  const std::size_t units_, domains_, per_socket_;
  const NumaPlacement placement_;
  const bool fixed_tasks_;
  std::vector<Server> dram_;          // per domain
  std::vector<Server> unit_ports_;    // per unit: what it alone can draw
  std::vector<Server> links_;         // per domain: out of it, then into it
  std::vector<Server> socket_links_;  // per socket: the same
  double slow_until_ps_ = 0, slow_share_ = 1;
  double ps_per_byte_, unit_ps_per_byte_, link_ps_per_byte_, socket_link_ps_per_byte_;
  std::array<double, 3> latency_ps_{};  // own domain, another of the socket, another socket
  double remote_bytes_ = 0;
};

}  // namespace sparsesim
