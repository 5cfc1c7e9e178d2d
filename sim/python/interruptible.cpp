#include "sim/python/interruptible.h"

#include <pybind11/pybind11.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace sparsesim::python {
namespace {

constexpr std::chrono::milliseconds kSignalsEach{50};  // nobody notices, and it costs nothing

}  // namespace

void run_interruptible(const std::function<void(const std::atomic<bool>& stop)>& work) {
  std::atomic<bool> stop{false};
  std::exception_ptr failure;
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  std::thread worker([&] {
    try {
      work(stop);
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    done = true;
    ended.notify_one();
  });
  bool interrupted = false;
  for (bool waiting = true; waiting;) {
    {
      const pybind11::gil_scoped_release others_may_run;
      std::unique_lock lock(mutex);
      waiting = !ended.wait_for(lock, kSignalsEach, [&] { return done; });
    }
    if (!waiting || interrupted || PyErr_CheckSignals() == 0) continue;
    stop = interrupted = true;
  }
  worker.join();
  if (interrupted) throw pybind11::error_already_set();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace sparsesim::python
