#pragma once
// Sizes of a plan's row, with their bounds.

#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

/// A size within [1, most]; fallback 0: it must be given. Errors: NotHere.
inline std::int64_t checked_size(const std::string& name, std::int64_t value, std::int64_t most) {
  if (value >= 1 && value <= most) return value;
  if (value == 0) throw NotHere(name + " is missing");
  throw NotHere(name + "=" + std::to_string(value) + " is not between 1 and " + std::to_string(most));
}

/// The same of a param; a param that is no number is reported as NotHere, too.
inline std::int64_t size_param(const PlanRow& row, const std::string& name, std::int64_t most,
                               std::int64_t fallback = 0) {
  try {
    return checked_size(name, row.integer(name, fallback), most);
  } catch (const std::invalid_argument& error) {
    throw NotHere(error.what());
  }
}

/// Whether a param says yes: 1 or true, 0 or false. Errors: NotHere.
inline bool flag_param(const PlanRow& row, const std::string& name, bool fallback) {
  const std::string text = row.text(name, fallback ? "1" : "0");
  if (text == "1" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  throw NotHere(name + "=" + text + " is neither 0 nor 1");
}

/// Errors: NotHere where so many bytes are more than half of the machine's memory.
inline void require_memory(double bytes) {
  const double all = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  if (bytes > all / 2)
    throw NotHere("operands of " + std::to_string(static_cast<std::int64_t>(bytes / 1e6)) +
                  " MB are more than half of the memory");
}

}  // namespace sparsesim::measure
