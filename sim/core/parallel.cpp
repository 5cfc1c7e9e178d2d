#include "sim/core/parallel.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace sparsesim {

void for_each_index(std::size_t count, int threads, const std::function<void(std::size_t)>& work,
                    const std::function<void(std::size_t)>& done, const std::atomic<bool>* stop) {
  std::atomic<std::size_t> next{0};
  std::size_t finished = 0;
  std::mutex reporting;
  std::exception_ptr failure;
  std::size_t failed_index = count;
  const auto worker = [&] {
    while (!(stop && stop->load(std::memory_order_relaxed))) {
      const std::size_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= count) return;
      std::exception_ptr thrown;
      try {
        work(index);
      } catch (...) {
        thrown = std::current_exception();
      }
      const std::lock_guard lock(reporting);
      if (thrown && index < failed_index) {
        failure = thrown;
        failed_index = index;
      }
      ++finished;
      if (done) done(finished);
    }
  };
  const std::size_t wanted = threads > 0 ? static_cast<std::size_t>(threads) : std::thread::hardware_concurrency();
  const std::size_t helpers = std::min(std::max<std::size_t>(wanted, 1), std::max<std::size_t>(count, 1)) - 1;
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 0; i < helpers; ++i) others.emplace_back(worker);
    worker();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace sparsesim
