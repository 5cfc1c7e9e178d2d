#pragma once
// Long work called from Python: others may run meanwhile, and Ctrl-C ends it.

#include <atomic>
#include <functional>

namespace sparsesim::python {

/// Calls work(stop) on a thread of its own and waits for it without Python's lock. Where a signal handler of Python
/// raises meanwhile (KeyboardInterrupt; on the main thread alone, as ever), `stop` is set, the work is waited for and
/// the exception goes on. Errors: what `work` throws.
void run_interruptible(const std::function<void(const std::atomic<bool>& stop)>& work);

}  // namespace sparsesim::python
