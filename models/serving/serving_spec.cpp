#include "models/serving/serving_spec.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "models/serving/request_trace.h"

namespace sparsesim {
namespace {

using config::Dimension;
using config::MapReader;
using config::Range;

TokenLaw read_law(MapReader& map, const char* key, const TokenLaw& fallback) {
  const auto given = map.optional(key);  // a number or a text
  const std::string text = given ? given->scalar() : fallback.text;
  if (const auto law = parse_token_law(text)) return *law;
  map.mistake(key, fmt::format("{} \"{}\" is no law of lengths", key, text.substr(0, 80)), kTokenLawForms);
  return fallback;
}

void read_arrivals(MapReader& map, ServingSpec& spec) {
  constexpr std::array<std::string_view, 3> kinds{"poisson", "fixed", "closed"};
  const bool closed = map.has("concurrency");
  spec.trace = map.text("trace", "");
  const std::string kind = map.choice("arrivals", kinds, closed ? "closed" : "poisson");
  spec.arrivals = kind == "fixed" ? Arrivals::fixed : kind == "closed" ? Arrivals::closed : Arrivals::poisson;
  spec.requests = map.integer("requests", 1, kRequestsMost, spec.trace.empty() ? spec.requests : kRequestsMost);
  spec.concurrency = map.integer("concurrency", 1, kRequestsMost, 1);
  if (spec.arrivals != Arrivals::closed) {
    spec.concurrency = 0;
    if (closed) map.mistake("concurrency", "concurrency goes with arrivals: closed");
  }
  spec.rate = map.quantity("rate", Dimension::rate, {1e-6, 1e6, false}, spec.rate);
  spec.burstiness = map.number("burstiness", Range::between(0.01, 100), 1);
  if (spec.burstiness != 1 && spec.arrivals != Arrivals::poisson)
    map.mistake("burstiness", "burstiness goes with arrivals: poisson");
  if (spec.trace.empty()) return;
  spec.trace = (std::filesystem::path(map.node().position().file).parent_path() / spec.trace).string();
  if (spec.arrivals != Arrivals::closed) spec.arrivals = Arrivals::trace;
}

void read_prefix(MapReader& map, ServingSpec& spec) {
  spec.prefix_caching = map.boolean("prefix_caching", true);
  spec.prefixes = map.integer("prefixes", 1, kRequestsMost, 1);
  spec.prefix_share = map.quantity("prefix_share", Dimension::share, {0, 1, false}, 1);
  if (map.has("prefix")) spec.prefix = read_law(map, "prefix", TokenLaw::constant(1));
  if (spec.prefix && !spec.trace.empty())
    map.mistake("prefix", "a trace says which requests share a prefix (prefix_id, prefix_tokens)");
}

void read_scheduler(MapReader& map, ServingSpec& spec) {
  constexpr std::array<std::string_view, 2> routers{"round_robin", "least_loaded"};
  constexpr std::array<std::string_view, 2> baselines{"recipe", "every_expert"};
  spec.input = read_law(map, "input", spec.input);
  spec.output = read_law(map, "output", spec.output);
  read_prefix(map, spec);
  spec.max_batched_tokens = map.integer("max_batched_tokens", 0, 1 << 20, 0);
  spec.max_sequences = map.integer("max_sequences", 0, 1 << 16, 0);
  spec.chunked_prefill = map.boolean("chunked_prefill", true);
  constexpr std::array<std::string_view, 2> admissions{"whole", "chunk"};
  spec.admit_whole = map.choice("admission", admissions, "whole") == "whole";
  spec.block = map.integer("block", 1, 4096, spec.block);
  spec.memory_share = map.quantity("memory_share", Dimension::share, {0, 1, true}, spec.memory_share);
  spec.reserved_bytes = map.quantity("reserved", Dimension::bytes, Range::non_negative(), spec.reserved_bytes);
  spec.step_overhead = map.quantity("step_overhead", Dimension::time, Range::between(0, 10), spec.step_overhead);
  spec.graphs = map.boolean("graphs", true);
  spec.router =
      map.choice("router", routers, "round_robin") == "round_robin" ? Router::round_robin : Router::least_loaded;
  spec.ttft = map.quantity("ttft", Dimension::time, Range::between(0, 1e4), 0);
  spec.tpot = map.quantity("tpot", Dimension::time, Range::between(0, 1e4), 0);
  spec.every_expert = map.choice("baseline", baselines, "recipe") == "every_expert";
}

void read_batching(MapReader& map, ServingSpec& spec, bool encoder) {
  spec.batch_paths = map.texts("batch", 64);
  if (encoder && spec.batch_paths.empty()) spec.batch_paths = {"pass.batch"};
  if (spec.batch_paths.empty())
    map.mistake("batch", "missing: a list of the paths that hold the number of requests in a batch",
                "as batch: [ops.scan.queries]; \"ops.mlp.m * 512\" is 512 for each request");
  spec.max_batch = map.integer("max_batch", 1, 65536, spec.max_batch);
  spec.max_wait = map.quantity("max_wait", Dimension::time, Range::between(0, 1e4), spec.max_wait);
  spec.instances = map.integer("instances", 1, 4096, 1);
  spec.step_overhead = map.quantity("step_overhead", Dimension::time, Range::between(0, 10), 0);
}

/// Which prefix each request has, and how long it is: the same for all that have it.
class PrefixDraws {
 public:
  PrefixDraws(const ServingSpec& spec, std::uint64_t seed) : spec_(spec), which_(seed, "serving.prefix") {
    RandomStream lengths(seed, "serving.prefix_tokens");
    for (std::int64_t i = 0; spec.prefix && i < spec.prefixes; ++i) tokens_.push_back(spec.prefix->draw(lengths));
  }
  Prefix next() {
    if (!spec_.prefix || which_.uniform() >= spec_.prefix_share) return {};
    const std::int64_t id = which_.below(spec_.prefixes);
    return {id, tokens_[static_cast<std::size_t>(id)]};
  }

 private:
  const ServingSpec& spec_;
  RandomStream which_;
  std::vector<std::int64_t> tokens_;
};

double gamma_draw(RandomStream& random, double shape) {
  if (shape < 1) {  // gamma(shape) = gamma(shape + 1) * u^(1 / shape)
    const double u = random.uniform();
    return gamma_draw(random, shape + 1) * std::pow(1 - u, 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = random.normal(), u = 1 - random.uniform();
    const double v = std::pow(std::max(0.0, 1 + c * x), 3);
    if (v > 0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double gap_of(const ServingSpec& spec, RandomStream& random) {
  if (spec.arrivals == Arrivals::fixed) return 1 / spec.rate;
  if (spec.burstiness == 1) return random.exponential(1 / spec.rate);
  return gamma_draw(random, spec.burstiness) / (spec.burstiness * spec.rate);
}

}  // namespace

ServingSpec read_serving(MapReader& map, Scheduling scheduling) {
  ServingSpec spec;
  const bool batch = scheduling != Scheduling::continuous;
  constexpr std::array<std::string_view, 2> schedulers{"continuous", "batch"};
  const std::string wanted = batch ? "batch" : "continuous";
  if (map.choice("scheduler", schedulers, wanted) != wanted)
    map.mistake("scheduler",
                fmt::format("here it is {}: continuous goes with decoders, batch with the others", wanted));
  read_arrivals(map, spec);
  if (batch)
    read_batching(map, spec, scheduling == Scheduling::encoder_batch);
  else
    read_scheduler(map, spec);
  map.finish();
  return spec;
}

std::vector<config::Declared> serving_keys() {
  std::vector<config::Declared> keys;
  for (const Scheduling scheduling : {Scheduling::continuous, Scheduling::batch}) {
    config::Diagnostics ignored;
    MapReader map(config::load_text("{}", "schema", ignored), ignored);
    read_serving(map, scheduling);
    for (const config::Declared& key : map.declared())
      if (std::none_of(keys.begin(), keys.end(), [&](const auto& known) { return known.key == key.key; }))
        keys.push_back(key);
  }
  return keys;
}

void fill_batch_defaults(ServingSpec& spec, const Substrate& substrate) {
  constexpr double kLargeMemory = 70.0 * (1 << 30);
  const bool a100 = substrate.name.find("a100") != std::string::npos;
  const bool large = substrate.memory.dram_bytes.value >= kLargeMemory && !a100;
  if (spec.max_batched_tokens == 0) spec.max_batched_tokens = large ? 8192 : 2048;
  if (spec.max_sequences == 0) spec.max_sequences = large ? 1024 : 256;
}

std::vector<Request> make_requests(const ServingSpec& spec, std::uint64_t seed) {
  if (!spec.trace.empty()) return read_request_trace(spec.trace, spec.requests);
  RandomStream gaps(seed, "serving.arrivals"), inputs(seed, "serving.input"), outputs(seed, "serving.output");
  PrefixDraws prefixes(spec, seed);
  std::vector<Request> requests;
  double at = 0;
  for (std::int64_t i = 0; i < spec.requests; ++i) {
    if (spec.arrivals != Arrivals::closed) at += gap_of(spec, gaps);
    const Prefix prefix = prefixes.next();
    const std::int64_t input = std::min(kRequestTokensMost, prefix.tokens + spec.input.draw(inputs));
    requests.push_back({Time::from_seconds(at), input, spec.output.draw(outputs), prefix});
  }
  return requests;
}

double offered_rate(const ServingSpec& spec, const std::vector<Request>& requests) {
  if (spec.arrivals == Arrivals::closed) return 0;
  if (spec.arrivals != Arrivals::trace) return spec.rate;
  const double span = (requests.back().arrival - requests.front().arrival).seconds();
  return span > 0 ? static_cast<double>(requests.size() - 1) / span : 0;
}

std::vector<Request> requests_at(const ServingSpec& spec, std::vector<Request> requests, double rate,
                                 std::uint64_t seed) {
  if (spec.arrivals == Arrivals::trace) {
    const double stretched = rate > 0 ? offered_rate(spec, requests) / rate : 1;
    for (Request& request : requests) request.arrival = Time::from_seconds(request.arrival.seconds() * stretched);
  } else if (rate > 0) {
    ServingSpec own = spec;
    own.rate = rate;
    requests = make_requests(own, seed);
  }
  return requests;
}

}  // namespace sparsesim
