#pragma once
// A measured implementation: calls captured in CUDA graphs, replayed between two events.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "validate/measure/cuda/device.h"
#include "validate/measure/cuda/timer.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

/// Copies of the operands of one call, one after the other, that together exceed the last cache three times.
class Operands {
 public:
  /// `bytes` of each operand of one call. Errors: NotHere when the device has no room for two copies.
  Operands(const Device& device, std::vector<std::size_t> bytes);
  int copies() const { return copies_; }
  void* at(int copy, std::size_t operand) const;
  template <class T>
  T* as(int copy, std::size_t operand) const {
    return static_cast<T*>(at(copy, operand));
  }
  std::size_t bytes(std::size_t operand) const { return bytes_[operand]; }
  /// Makes every copy like the first.
  void spread(cudaStream_t stream) const;

 private:
  std::vector<std::size_t> bytes_, offsets_;
  std::size_t stride_ = 0;
  int copies_ = 0;
  DeviceMemory memory_;
};

/// What a family says of one implementation. The closures own the data.
struct Implementation {
  std::string kernel;
  int copies = 1;
  std::function<void(int copy)> enqueue;  // one call on the device's stream; may be captured
  std::function<void()> reset;            // makes the results of copy 0 invalid, so that a call that writes none shows
  std::function<double()> error;          // after a call on copy 0: see Runner::error
};

class GraphRunner final : public Runner {
 public:
  GraphRunner(const Device& device, Implementation implementation);
  ~GraphRunner() override;
  GraphRunner(const GraphRunner&) = delete;
  GraphRunner& operator=(const GraphRunner&) = delete;

  std::string kernel() const override { return implementation_.kernel; }
  double error() override;
  double run(int calls) override;
  /// Seconds of one call as the host issues it, without a graph.
  double host_seconds(int calls);

 private:
  void capture();
  void check_replay();
  void enqueue_next();

  const Device& device_;
  Implementation implementation_;
  std::vector<cudaGraphExec_t> graphs_;
  int calls_per_graph_ = 0, next_copy_ = 0;
  std::size_t next_graph_ = 0;
  bool plain_ = false;  // the library cannot be captured
  StreamTimer timer_;
};

std::unique_ptr<Runner> make_runner(const Device& device, Implementation implementation);

/// The runner of an object that has copies(), enqueue(copy), reset() and error() as Implementation says.
template <class Call>
std::unique_ptr<Runner> make_runner(const Device& device, std::string kernel, std::shared_ptr<Call> call) {
  return make_runner(device, {.kernel = std::move(kernel),
                              .copies = call->copies(),
                              .enqueue = [call](int copy) { call->enqueue(copy); },
                              .reset = [call] { call->reset(); },
                              .error = [call] { return call->error(); }});
}

/// Calls to put in one graph: as many as take about two milliseconds, at most 512.
int calls_in_graph(double seconds_per_call);

/// Graphs of `calls` calls each, so that every copy has its turn.
int graphs_for(int copies, int calls);

}  // namespace sparsesim::measure
