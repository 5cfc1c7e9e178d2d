#pragma once
// Independent work on several threads.

#include <atomic>
#include <cstddef>
#include <functional>

namespace sparsesim {

/// Calls work(i) once for each i < count on up to `threads` threads (0: one per processor), which take the next index
/// from a shared counter. After each, calls done(n) with the number finished so far, one thread at a time. Returns
/// early, with the work at hand finished, once `stop` is set. If `work` throws, the others still run and the
/// exception of the lowest index is thrown at the end, so that the outcome does not depend on the threads.
void for_each_index(std::size_t count, int threads, const std::function<void(std::size_t)>& work,
                    const std::function<void(std::size_t)>& done = {}, const std::atomic<bool>* stop = nullptr);

}  // namespace sparsesim
