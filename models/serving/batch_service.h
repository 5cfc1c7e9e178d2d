#pragma once
// Services that answer a request with one run: requests that wait together become a batch (Triton's dynamic batcher).

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "models/serving/request.h"
#include "models/serving/service.h"

namespace sparsesim {

struct BatchSettings {
  std::int64_t max_batch = 64;
  Time max_wait;                 // of the oldest request, before a batch that is not full is run
  int instances = 1;             // that take batches from one queue
  std::int64_t concurrency = 0;  // users of a closed loop; 0: requests arrive at their times
  std::function<void(std::size_t, std::size_t)> progress = {};
  const std::atomic<bool>* stop = nullptr;
};

/// How long a batch of so many requests takes.
using BatchTime = std::function<Time(std::int64_t)>;

/// Simulates until every request is answered; nothing where `stop` was set. An instance that is free takes the queue's
/// first `max_batch` requests as soon as there are so many, or all of them once the oldest has waited `max_wait`. Of
/// the result, `first_token` is the end, tokens and blocks are none, `busy` has an entry per instance. Always checked:
/// Little's law, and that no request is lost. Errors: std::overflow_error beyond 106 days.
std::optional<ServiceRun> simulate_batches(std::span<const Request> requests, const BatchSettings& settings,
                                           const BatchTime& time);

}  // namespace sparsesim
