#pragma once
// The analytic resources in one include. Each is solved at arrival and costs no event.

#include "sim/core/bank_set.h"
#include "sim/core/bounded_server.h"
#include "sim/core/fifo_server.h"
#include "sim/core/link.h"
#include "sim/core/multi_server.h"
#include "sim/core/pipelined_server.h"
