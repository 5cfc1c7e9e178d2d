// What the plausible ranges of a machine's constants do to it: docs/models/interval.md.
#include "models/evaluate/interval.h"

#include <doctest/doctest.h>

#include "tests/support/machines.h"

using namespace sparsesim;

TEST_CASE("a capacity is shifted where the file gives it a range, and stays where it gives none") {
  Substrate machine = a100();
  const double l2 = machine.memory.l2_bytes;
  CHECK(shifted(machine, "memory", true).memory.l2_bytes == l2);
  machine.memory.l2_bytes.low = l2 / 4;
  machine.memory.l2_bytes.high = 2 * l2;
  CHECK(shifted(machine, "memory", true).memory.l2_bytes == l2 / 4);
  CHECK(shifted(machine, "memory", false).memory.l2_bytes == 2 * l2);
  CHECK(shifted(machine, "compute", true).memory.l2_bytes == l2);
}

TEST_CASE("granules are never shifted: larger ones are slower for some ops and faster for others") {
  Substrate machine = a100();
  const double line = machine.memory.line;
  machine.memory.line.low = line / 2;
  machine.memory.line.high = 2 * line;
  for (const bool slow : {false, true}) CHECK(shifted(machine, "memory", slow).memory.line == line);
}

TEST_CASE("rates fall and times grow at the slow end, by the width of their kind where no range is given") {
  Substrate machine = a100();
  Quantity& rate = machine.memory.dram_achieved;
  rate.value = rate.low = rate.high = 2e12;
  rate.kind = Provenance::measured;
  Quantity& latency = machine.memory.dram_latency;
  latency.low = 4e-7;
  latency.high = 9e-7;
  const Memory slow = shifted(machine, "memory", true).memory, fast = shifted(machine, "memory", false).memory;
  CHECK(slow.dram_achieved == doctest::Approx(2e12 / 1.03));
  CHECK(fast.dram_achieved == doctest::Approx(2e12 * 1.03));
  CHECK(slow.dram_latency == doctest::Approx(9e-7));
  CHECK(fast.dram_latency == doctest::Approx(4e-7));
}
