#pragma once
// What the event queue holds: a small plain value, interpreted by the model that scheduled it.

#include <cstdint>
#include <type_traits>

namespace sparsesim {

/// One scheduled occurrence. Events happen in order of (time_ps, id), then first in first out.
///
/// kind   what happens: the model's switch decides; no meaning to the queue
/// id     stable identity in the model (request, component): decides ties, so that an optimisation which removes other
///        events cannot change who wins
/// arg    free payload; larger state lives in arrays of the model, indexed by id or arg
struct Event {
  std::uint64_t time_ps = 0;
  std::uint32_t kind = 0;
  std::uint32_t id = 0;
  std::uint64_t arg = 0;
  bool operator==(const Event&) const = default;
};
static_assert(sizeof(Event) == 24 && std::is_trivially_copyable_v<Event>);

}  // namespace sparsesim
