#pragma once
// A workload behind a server that batches requests: recommenders, retrieval, encoders.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/evaluate/run.h"
#include "models/serving/batch_service.h"
#include "models/serving/serve.h"
#include "models/serving/serve_report.h"

namespace sparsesim {

/// Times of the workload with another number of requests in a batch, each simulated once.
class BatchTimes {
 public:
  /// `paths` say where the number goes in the tree: "ops.scan.queries", or "ops.mlp.m * 512" for 512 of each request.
  /// Errors: config::ConfigError for paths that lead nowhere.
  BatchTimes(const config::Node& tree, const Substrate& substrate, const std::vector<std::string>& paths,
             std::uint64_t seed);
  struct Run {
    Time dense, sparse;
    double coverage = 0, kernel_speedup = 1, amdahl = 1;
    std::map<std::string, std::string> fallbacks;
    int devices = 1;
  };
  /// Errors: those of read_workload() and run().
  const Run& of(std::int64_t batch);

 private:
  struct Path {
    std::vector<std::string> keys;
    std::int64_t each = 1;
  };
  const config::Node& tree_;
  const Substrate& substrate_;
  const std::uint64_t seed_;
  std::vector<Path> paths_;
  LaunchMemo memo_;
  std::map<std::int64_t, Run> known_;
};

struct BatchPoint {
  double rate = 0;  // requests per second; 0: closed loop
  std::array<bool, 2> overloaded{};
  std::array<ServiceSummary, 2> sides;  // dense, sparse; of those that are not overloaded
  std::array<std::vector<ServedRequest>, 2> requests;
};

struct BatchServeResult {
  std::string substrate, workload;
  std::uint64_t seed = 1;
  int devices = 1;  // of all instances
  ServingSpec spec;
  std::int64_t request_count = 0;
  std::array<double, 2> capacity{};  // requests per second with full batches
  BatchTimes::Run one, full;         // of a batch of one request, and of `max_batch`
  std::vector<BatchPoint> points;
};

/// Serves the workload of a tree at these rates (empty: the section's own). Nothing where `stop` was set. Errors:
/// config::ConfigError, also where the machine has too few devices for the instances; those of BatchTimes.
std::optional<BatchServeResult> serve_batches(const config::Node& tree, const Substrate& substrate,
                                              const ServingSpec& spec, const std::vector<double>& rates,
                                              const ServeOptions& options, const config::Position& place);

/// As those of ServeResult (serve_report.h).
std::string format_table(const BatchServeResult& result, const ServedQuality& quality);
std::string format_json(const BatchServeResult& result, const ServedQuality& quality);
std::string format_points(const BatchServeResult& result);
std::string format_requests(const BatchServeResult& result);

}  // namespace sparsesim
