#pragma once
// Several processes that do one thing together ("ranks", from 0) and the messages between them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sparsesim::cluster {

struct Message {
  int kind = 0;                       // what sender and receiver agree on
  std::vector<std::int64_t> numbers;  // likewise
  std::string text;
  int from = 0;  // set by receive()
  std::int64_t bytes() const { return static_cast<std::int64_t>(8 * numbers.size() + text.size() + sizeof kind); }
};

/// This process among the others. One thread uses it. The end of a Ranks waits for those of all others.
class Ranks {
 public:
  Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  virtual ~Ranks() = default;

  virtual int rank() const = 0;
  virtual int count() const = 0;
  /// Processors for this rank: those it may run on, divided among the ranks that may run on the same ones; at least 1.
  virtual int processors() const = 0;
  /// Returns at once. Two messages from one rank to another arrive in their order.
  virtual void send(int to, Message message) = 0;
  /// A message that has arrived, or nothing; never waits.
  virtual std::optional<Message> receive() = 0;
  /// The numbers of rank 0 become those of every rank. All ranks call it, and each waits for those it needs.
  virtual void broadcast(std::vector<std::int64_t>& numbers) = 0;
};

}  // namespace sparsesim::cluster
