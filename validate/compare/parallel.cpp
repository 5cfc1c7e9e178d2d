#include "validate/compare/parallel.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

namespace sparsesim {

void for_each_index(std::size_t count, int threads, const std::function<void(std::size_t)>& work,
                    const std::function<void(std::size_t)>& done, const std::atomic<bool>* stop) {
  std::atomic<std::size_t> next{0};
  std::size_t finished = 0;
  std::mutex reporting;
  const auto worker = [&] {
    while (!(stop && stop->load(std::memory_order_relaxed))) {
      const std::size_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= count) return;
      work(index);
      const std::lock_guard lock(reporting);
      ++finished;
      if (done) done(finished);
    }
  };
  const std::size_t wanted = threads > 0 ? static_cast<std::size_t>(threads) : std::thread::hardware_concurrency();
  const std::size_t helpers = std::min(std::max<std::size_t>(wanted, 1), std::max<std::size_t>(count, 1)) - 1;
  std::vector<std::jthread> others;
  for (std::size_t i = 0; i < helpers; ++i) others.emplace_back(worker);
  worker();
}

}  // namespace sparsesim
