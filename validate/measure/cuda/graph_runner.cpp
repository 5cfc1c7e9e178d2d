#include "validate/measure/cuda/graph_runner.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace sparsesim::measure {
namespace {

constexpr std::size_t kOperandAlignment = 256;

}  // namespace

Operands::Operands(const Device& device, std::vector<std::size_t> bytes) : bytes_(std::move(bytes)) {
  for (const std::size_t operand : bytes_) {
    offsets_.push_back(stride_);
    stride_ += (operand + kOperandAlignment - 1) / kOperandAlignment * kOperandAlignment;
  }
  stride_ = std::max(stride_, kOperandAlignment);
  constexpr std::size_t kMostCopies = 1024;
  const std::size_t wanted = std::clamp<std::size_t>(3 * device.last_cache_bytes() / stride_ + 1, 2, kMostCopies);
  const std::size_t room = device.free_bytes() / 4 * 3 / stride_;
  if (room < 2) throw NotHere("no room for two copies of " + std::to_string(stride_ >> 20) + " MiB of operands");
  copies_ = static_cast<int>(std::min(wanted, room));
  memory_ = DeviceMemory(stride_ * static_cast<std::size_t>(copies_));
}

void* Operands::at(int copy, std::size_t operand) const {
  return memory_.data() + static_cast<std::size_t>(copy) * stride_ + offsets_[operand];
}

void Operands::spread(cudaStream_t stream) const {
  for (int copy = 1; copy < copies_; ++copy)
    check(cudaMemcpyAsync(at(copy, 0), at(0, 0), stride_, cudaMemcpyDeviceToDevice, stream));
  check(cudaStreamSynchronize(stream));
}

int calls_in_graph(double seconds_per_call) {
  constexpr double kGraphSeconds = 2e-3;
  return static_cast<int>(std::clamp(std::ceil(kGraphSeconds / std::max(seconds_per_call, 1e-7)), 1.0, 512.0));
}

int graphs_for(int copies, int calls) { return (copies + calls - 1) / calls; }

GraphRunner::GraphRunner(const Device& device, Implementation implementation)
    : device_(device), implementation_(std::move(implementation)), timer_(device.stream) {}

GraphRunner::~GraphRunner() {
  for (cudaGraphExec_t graph : graphs_) cudaGraphExecDestroy(graph);
}

double GraphRunner::error() {
  implementation_.reset();
  implementation_.enqueue(0);
  device_.synchronize();
  return implementation_.error();
}

void GraphRunner::enqueue_next() {
  implementation_.enqueue(next_copy_);
  next_copy_ = (next_copy_ + 1) % implementation_.copies;
}

double GraphRunner::host_seconds(int calls) {
  const double seconds = timer_.seconds([&] {
    for (int call = 0; call < calls; ++call) enqueue_next();
  });
  return seconds / calls;
}

void GraphRunner::capture() {
  host_seconds(2);  // libraries load their code at the first call
  calls_per_graph_ = calls_in_graph(host_seconds(3));
  for (int graph = 0; graph < graphs_for(implementation_.copies, calls_per_graph_); ++graph) {
    cudaGraph_t captured = nullptr;
    check(cudaStreamBeginCapture(device_.stream, cudaStreamCaptureModeThreadLocal));
    try {
      for (int call = 0; call < calls_per_graph_; ++call) enqueue_next();
    } catch (...) {
      cudaStreamEndCapture(device_.stream, &captured);
      cudaGetLastError();
      throw;
    }
    check(cudaStreamEndCapture(device_.stream, &captured));
    cudaGraphExec_t executable = nullptr;
    const cudaError_t result = cudaGraphInstantiate(&executable, captured, 0);
    cudaGraphDestroy(captured);
    check(result);
    graphs_.push_back(executable);
    check(cudaGraphUpload(executable, device_.stream));
  }
  check_replay();
}

// A library may read its arguments from the host's memory while the graph runs: what comes out says whether it does.
void GraphRunner::check_replay() {
  implementation_.reset();
  for (cudaGraphExec_t graph : graphs_) check(cudaGraphLaunch(graph, device_.stream));
  device_.synchronize();
  if (!(implementation_.error() <= 1)) throw CudaError("the replay gives other results than the call");
}

double GraphRunner::run(int calls) {
  if (graphs_.empty() && !plain_) {
    try {
      capture();
    } catch (const CudaError& error) {
      std::fprintf(stderr, "%s: timed as plain calls, no graph: %s\n", kernel().c_str(), error.what());
      plain_ = true;
    }
  }
  int done = 0;
  const double seconds = timer_.seconds([&] {
    for (; done < calls; done += plain_ ? 1 : calls_per_graph_) {
      if (plain_) {
        enqueue_next();
      } else {
        check(cudaGraphLaunch(graphs_[next_graph_], device_.stream));
        next_graph_ = (next_graph_ + 1) % graphs_.size();
      }
    }
  });
  return seconds * calls / done;
}

std::unique_ptr<Runner> make_runner(const Device& device, Implementation implementation) {
  return std::make_unique<GraphRunner>(device, std::move(implementation));
}

}  // namespace sparsesim::measure
