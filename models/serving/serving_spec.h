#pragma once
// The `serving:` section of a workload: who asks for how much, and how the service batches (docs/serving.md).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/serving/lengths.h"
#include "models/serving/request.h"
#include "models/serving/service.h"
#include "models/substrate/substrate.h"
#include "sim/config/reader.h"

namespace sparsesim {

enum class Arrivals {
  poisson,  // gaps are exponential, or gamma where they are burstier or more even
  fixed,    // every gap is 1 / rate
  trace,    // as recorded
  closed,   // `concurrency` users, each with one request at a time
};

/// What a host spends on a step outside kernels where nothing else is known: guessed. Published gaps between decode
/// steps are 5 ms to 6 ms (Llama 2 7B, batch 256, 2024; vLLM issue 10634) and 0.2 ms to 0.3 ms as the aim of
/// asynchronous scheduling (same place).
inline constexpr double kStepOverhead = 1e-3, kStepOverheadLow = 0.2e-3, kStepOverheadHigh = 5e-3;  // s
/// Memory that neither weights, activations nor keys and values have: context, libraries, graphs; guessed, 1 GiB to
/// 4 GiB.
inline constexpr double kReservedBytes = 2.0 * (1 << 30), kReservedLow = 1.0 * (1 << 30),
                        kReservedHigh = 4.0 * (1 << 30);

struct ServingSpec {
  Arrivals arrivals = Arrivals::poisson;
  double rate = 1;        // requests per second
  double burstiness = 1;  // shape of the gamma law of the gaps: 1 is Poisson, less is burstier
  std::int64_t concurrency = 0;
  std::int64_t requests = 1000;
  std::string trace;  // path of a file; empty: none
  TokenLaw input = TokenLaw::constant(1024), output = TokenLaw::constant(128);
  std::optional<TokenLaw> prefix;  // tokens in front of a prompt that it shares with others
  std::int64_t prefixes = 1;       // different ones
  double prefix_share = 1;         // of the requests that have one

  std::int64_t max_batched_tokens = 0, max_sequences = 0;  // 0: as vLLM chooses, see batch_defaults()
  bool chunked_prefill = true;
  bool admit_whole = true;
  std::int64_t block = 16;    // tokens
  double memory_share = 0.9;  // of the device's memory that the service takes
  double reserved_bytes = kReservedBytes;
  double step_overhead = kStepOverhead;  // s
  bool prefix_caching = true;
  bool graphs = true;  // steps of up to 512 tokens are padded to a captured size
  Router router = Router::round_robin;
  double ttft = 0, tpot = 0;  // s, what 95 % of the requests must keep to; 0: nothing is asked
  bool every_expert = false;  // the baseline runs every expert for every token

  // Of services that answer a request with one run (`scheduler: batch`).
  std::vector<std::string> batch_paths;  // where the number of requests in a batch goes: "ops.scan.queries"
  std::int64_t max_batch = 64;
  double max_wait = 2e-3;  // s, of the oldest request before a batch that is not full is run
  std::int64_t instances = 1;
};

/// How a service answers.
enum class Scheduling {
  continuous,     // decoders: token by token
  batch,          // one run for each batch of requests
  encoder_batch,  // the same of a model, whose pass has a batch: `batch` need not say where it stands
};

/// Reads the section and finish()es; mistakes go to the reader's diagnostics. A trace is found from the folder of the
/// file that names it.
ServingSpec read_serving(config::MapReader& map, Scheduling scheduling);

/// Every key of the section, whatever the scheduling, for the JSON Schema of workloads.
std::vector<config::Declared> serving_keys();

/// vLLM's choice for its API server where nothing is given: 8192 tokens and 1024 sequences on devices of 70 GiB or
/// more that are no A100, else 2048 and 256.
/// Source: vLLM, EngineArgs.get_batch_defaults; pull requests 12369 and 17885.
void fill_batch_defaults(ServingSpec& spec, const Substrate& substrate);

/// The requests of a run: arrivals and lengths are drawn from streams of their own, so that another rate has the same
/// lengths. Gaps of gamma law: Marsaglia and Tsang, ACM TOMS 26 (2000).
/// Errors: config::ConfigError of a trace.
std::vector<Request> make_requests(const ServingSpec& spec, std::uint64_t seed);

/// Requests per second that arrive; of recorded ones in the mean. 0: closed loop, or all at once.
double offered_rate(const ServingSpec& spec, const std::vector<Request>& requests);

/// The requests of make_requests() arriving at another rate; recorded ones are stretched. 0: as they are.
std::vector<Request> requests_at(const ServingSpec& spec, std::vector<Request> requests, double rate,
                                 std::uint64_t seed);

}  // namespace sparsesim
