#pragma once
// Who issues the kernels of a run and what that takes (docs/models/host.md).

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/substrate/substrate.h"
#include "sim/core/units.h"

namespace sparsesim {

enum class HostKind {
  graph,   // captured once: no host
  stream,  // a compiled program launches kernel by kernel
  eager,   // a framework calls operator by operator
};
inline constexpr std::array<std::string_view, 3> kHostKinds{"graph", "stream", "eager"};  // in the order of the enum
inline std::string_view name(HostKind kind) { return kHostKinds[static_cast<std::size_t>(kind)]; }

/// What one run of an op asks of the host.
struct IssueCost {
  Time calls;                 // of the framework, all of them, each with the launch of a kernel
  std::int64_t launched = 0;  // kernels and exchanges that the calls launch; further ones take `launch` each
  Time launch;
  bool any() const { return calls.ps > 0 || launch.ps > 0; }
};

/// The host of a machine.
struct Host {
  HostKind kind = HostKind::graph;
  Time call, launch;
  /// Errors: std::overflow_error beyond 106 days.
  IssueCost cost(std::int64_t calls) const {
    return {checked_product(call, calls), kind == HostKind::eager ? calls : 0, launch};
  }
};
/// Launches take `dispatch.launch`, calls `call_us` of the kernel library's framework_call.
/// Errors: UnsupportedError where a framework calls and the library does not say what a call takes.
Host host_of(HostKind kind, const Substrate& substrate);

/// A piece of work with its host: max-plus numbers, exact for any order of kernels on one stream.
struct HostedTime {
  Time host;    // until all of it is issued
  Time device;  // of the device, when all was issued before
  Time both;    // from an idle host and device to the end; >= host and device
  bool operator==(const HostedTime&) const = default;
};
/// `b` behind `a`: both = max(a.both + b.device, a.host + b.both). Errors: std::overflow_error beyond 106 days.
HostedTime then(const HostedTime& a, const HostedTime& b);
/// `n` >= 1 runs behind each other: both + (n - 1) max(host, device).
HostedTime times(const HostedTime& run, std::int64_t n);

/// An op and how often it runs.
struct HostedRuns {
  HostedTime run;
  std::int64_t runs = 1;
};
/// Ops that take turns, their runs spread evenly over as many rounds as the most repeated one has, kRoundsMost at most.
HostedTime in_turns(std::span<const HostedRuns> ops);
inline constexpr std::int64_t kRoundsMost = 4096;

}  // namespace sparsesim
