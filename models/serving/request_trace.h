#pragma once
// Recorded requests: when they came and how long they were.

#include <string>
#include <string_view>
#include <vector>

#include "models/serving/request.h"
#include "sim/config/node.h"

namespace sparsesim {

inline constexpr std::int64_t kRequestTraceBytesMost = std::int64_t{64} << 20;
/// Generated tokens of all requests of a run: one unit of work each.
inline constexpr std::int64_t kGeneratedTokensMost = std::int64_t{1} << 30;

/// A CSV with a header. Columns, by any of these names, others are passed over:
///
/// arrival  `arrival`, `arrived_at`, `timestamp`: seconds; or a date and time "2023-11-16 18:15:46.68"
/// input    `input`, `contexttokens`, `num_prefill_tokens`, `request tokens`, `input_length`
/// output   `output`, `generatedtokens`, `num_decode_tokens`, `response tokens`, `output_length`
///
/// prefix_id, prefix_tokens  may be missing, or empty in a line: the first tokens of the prompt are those of every
///          request with the same number
///
/// Capitals do not matter. These are the names of the Azure traces (Splitwise, DynamoLLM), BurstGPT and Vidur. Arrivals
/// count from the first, and must not go back; a request without output tokens (a failed one) is passed over. At most
/// `most` requests are taken. Every mistake is reported with its place; `name` stands for the file.
std::vector<Request> parse_request_trace(std::string_view text, const std::string& name, std::int64_t most,
                                         config::Diagnostics& diagnostics);

/// The same of a file. Errors: config::ConfigError with all its mistakes.
std::vector<Request> read_request_trace(const std::string& path, std::int64_t most);

}  // namespace sparsesim
