#pragma once
// The table that people compare services by: percentiles of latencies, throughput, batches.

#include <cstdint>
#include <vector>

#include "models/serving/service.h"

namespace sparsesim {

/// Of a sample: mean, and nearest ranks: the smallest value that so many percent of the sample do not exceed.
struct Percentiles {
  double mean = 0, p50 = 0, p95 = 0, p99 = 0;
};
Percentiles percentiles_of(std::vector<double> sample);

/// Milliseconds, as vLLM's and others' benchmarks define them.
struct ServiceSummary {
  Percentiles wait;         // from arrival to the first step
  Percentiles first_token;  // from arrival to the end of the step that gives the first token
  Percentiles per_token;    // of each request of two tokens or more: (end - first token) / (output - 1)
  Percentiles gap;          // between one token and the next, all tokens of all requests
  Percentiles end_to_end;
  double requests_per_second = 0, tokens_per_second = 0, output_per_second = 0;  // over first arrival .. last answer
  double mean_batch = 0, p95_batch = 0;                                          // sequences, over steps
  double mean_in_system = 0;
  double busy = 0;  // share of the time in which the first stage of a replica works, mean over replicas
};
ServiceSummary summarise(const ServiceRun& run);

/// Requests per second that a service completes when requests always wait: the slope of completions over time, by least
/// squares, from a quarter of the requests on until none waits any more.
/// A run of requests that all arrive at once. Offered rates of this and above make the queue grow without bound, lower
/// ones do not: the saturation rule (Baccelli and Foss, J. Appl. Prob. 32, 1995).
double saturated_rate(const ServiceRun& run);

}  // namespace sparsesim
