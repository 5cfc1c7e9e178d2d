#pragma once
// The dense twin of a sparse product, and what the host adds when calls are timed one by one.

#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// Seconds that a call of `kernel` takes beyond its work on the device when it is timed as its publication did: one
/// call between two events, the host's launch included (docs/models/spmm.md). `chooses`: the call decides on the host
/// which kernel to run. 0 for sizes that are not timed so and for kernels that were timed in other ways.
double host_call_seconds(const SpmmSize& size, const Kernel& kernel, const Substrate& substrate, bool chooses);

/// Seconds between the kernels of a framework's calls: `per_call` makes descriptors and plans anew and tears them down,
/// `cached` finds them made, `none` is a graph of calls. Errors: UnsupportedError for a library that does not say.
double setup_seconds(const std::string& setup, const Substrate& substrate);

/// The dense product of the same sizes by the best dense kernel; weights narrower than the activations stay so.
/// `timed_as`: the sparse kernel; where its publication timed both (`timed_call`), products by rows have a twin with
/// row-major operands. May be null.
Launch lower_dense_twin(const SpmmSize& size, const Kernel* timed_as, const LowerContext& context);

}  // namespace sparsesim
