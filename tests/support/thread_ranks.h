#pragma once
// Ranks that are threads of one process, so that what they say to each other is tested without MPI.

#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "sim/cluster/ranks.h"

namespace sparsesim::cluster {

/// What the threads share.
struct ThreadHub {
  explicit ThreadHub(int count) : boxes(static_cast<std::size_t>(count)) {}
  std::mutex mutex;
  std::vector<std::deque<Message>> boxes;
  std::optional<std::vector<std::int64_t>> announced;
  std::vector<Message> log;  // all that was sent; `from` is the sender
};

class ThreadRanks : public Ranks {
 public:
  ThreadRanks(ThreadHub& hub, int rank) : hub_(hub), rank_(rank) {}
  int rank() const override { return rank_; }
  int count() const override { return static_cast<int>(hub_.boxes.size()); }
  int processors() const override { return 1; }
  void send(int to, Message message) override {
    const std::lock_guard lock(hub_.mutex);
    message.from = rank_;
    hub_.log.push_back(message);
    hub_.boxes[static_cast<std::size_t>(to)].push_back(std::move(message));
  }
  std::optional<Message> receive() override {
    const std::lock_guard lock(hub_.mutex);
    auto& box = hub_.boxes[static_cast<std::size_t>(rank_)];
    if (box.empty()) return std::nullopt;
    Message message = std::move(box.front());
    box.pop_front();
    return message;
  }
  void broadcast(std::vector<std::int64_t>& numbers) override {
    for (;; std::this_thread::yield()) {
      const std::lock_guard lock(hub_.mutex);
      if (rank_ == 0) hub_.announced = numbers;
      if (!hub_.announced) continue;
      numbers = *hub_.announced;
      return;
    }
  }

 private:
  ThreadHub& hub_;
  int rank_;
};

/// Calls lead(ranks) here and follow(ranks) in a thread for each rank from 1.
inline void on_ranks(ThreadHub& hub, const std::function<void(Ranks&)>& lead,
                     const std::function<void(Ranks&)>& follow) {
  std::vector<std::jthread> others;
  for (int rank = 1; rank < static_cast<int>(hub.boxes.size()); ++rank)
    others.emplace_back([&, rank] {
      ThreadRanks ranks(hub, rank);
      follow(ranks);
    });
  ThreadRanks ranks(hub, 0);
  lead(ranks);
}

}  // namespace sparsesim::cluster
