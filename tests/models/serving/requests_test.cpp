#include <doctest/doctest.h>
#include <fmt/format.h>

#include "models/serving/request_trace.h"
#include "models/serving/serving_spec.h"

using namespace sparsesim;

namespace {

std::vector<Request> parse(std::string_view text, std::vector<std::string>* mistakes = nullptr) {
  config::Diagnostics diagnostics;
  auto requests = parse_request_trace(text, "t.csv", 1000, diagnostics);
  for (const auto& m : diagnostics.mistakes())
    if (mistakes) mistakes->push_back(fmt::format("{}:{} {}", m.position.line, m.position.column, m.message));
  if (!mistakes) CHECK(diagnostics.empty());
  return requests;
}

ServingSpec read_section(const std::string& text, Scheduling scheduling, config::Diagnostics& diagnostics) {
  config::MapReader map(config::load_text(text, "s.yaml", diagnostics), diagnostics);
  return read_serving(map, scheduling);
}

}  // namespace

TEST_CASE("laws of lengths: mean and range of what is drawn") {
  struct Case {
    const char* text;
    double mean, low, high;
  };
  for (const Case& c : {Case{"512", 512, 512, 512}, Case{"uniform:100:300", 200, 100, 300},
                        Case{"lognormal:400:0.7", 400, 1, 1e6}, Case{"lognormal:400:0", 400, 400, 400}}) {
    CAPTURE(c.text);
    const auto law = parse_token_law(c.text);
    REQUIRE(law);
    RandomStream random(1, "lengths");
    double sum = 0;
    for (int i = 0; i < 40000; ++i) {
      const auto drawn = static_cast<double>(law->draw(random));
      CHECK_UNARY(drawn >= c.low && drawn <= c.high);
      sum += drawn;
    }
    CHECK(sum / 40000 == doctest::Approx(c.mean).epsilon(0.02));
  }
  RandomStream random(1, "lengths");
  for (int i = 0; i < 1000; ++i) CHECK(parse_token_law("lognormal:400:2:500")->draw(random) <= 500);
  for (const char* wrong : {"", "0", "-1", "1.5", "1e3", "2000000", "uniform", "uniform:5:4", "uniform:1:2:3",
                            "lognormal:5", "lognormal:0:1", "lognormal:5:-1", "lognormal:5:9", "normal:1:2", "nan"})
    CHECK_FALSE(parse_token_law(wrong));
}

TEST_CASE("arrivals: the rate holds, gaps of gamma law have the variation that burstiness says") {
  for (const double burstiness : {1.0, 0.25, 4.0}) {
    ServingSpec spec;
    spec.rate = 50;
    spec.burstiness = burstiness;
    spec.requests = 40000;
    const auto requests = make_requests(spec, 3);
    double square = 0;
    for (std::size_t i = 1; i < requests.size(); ++i) {
      const double gap = (requests[i].arrival - requests[i - 1].arrival).seconds() * spec.rate;
      square += (gap - 1) * (gap - 1);
    }
    CHECK(requests.back().arrival.seconds() == doctest::Approx(40000 / 50.0).epsilon(0.03));
    CHECK(square / 40000 == doctest::Approx(1 / burstiness).epsilon(0.05));  // variance of gamma(b) / b
  }
  ServingSpec fixed;
  fixed.arrivals = Arrivals::fixed;
  fixed.rate = 4;
  CHECK(make_requests(fixed, 1)[7].arrival == Time::from_us(2'000'000));
}

TEST_CASE("another rate has the same lengths, another seed has not") {
  ServingSpec slow, fast;
  slow.input = fast.input = *parse_token_law("uniform:1:1000");
  fast.rate = 7;
  const auto a = make_requests(slow, 1), b = make_requests(fast, 1), c = make_requests(slow, 2);
  std::int64_t same = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].input == b[i].input);
    same += a[i].input == c[i].input ? 1 : 0;
  }
  CHECK(same < 50);
}

TEST_CASE("traces: our columns, those of Azure, BurstGPT and Vidur") {
  const auto ours = parse("arrival,input,output\n0.5,10,3\n2.25,20,1\n");
  REQUIRE(ours.size() == 2);
  CHECK(ours[1].arrival == Time::from_us(1'750'000));
  CHECK(ours[1].input == 20);
  const auto azure = parse(
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-30 23:59:59.5000000,374,44\n"
      "2023-12-01 00:00:01.0000000,396,109\n");
  REQUIRE(azure.size() == 2);
  CHECK(azure[1].arrival == Time::from_us(1'500'000));
  CHECK(parse("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n").size() == 1);
  const auto burst = parse(
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "5,ChatGPT,472,18,490,Conversation log\n9,GPT-4,100,0,100,API log\n45,ChatGPT,1087,230,1,x\n");
  REQUIRE(burst.size() == 2);  // the failed one is left out
  CHECK(burst[1].arrival == Time::from_us(40'000'000));
  CHECK(parse("arrived_at,num_prefill_tokens,num_decode_tokens\n0,5,6\n").size() == 1);
}

TEST_CASE("traces: prefixes that requests share, or none") {
  const auto shared = parse("arrival,input,output,prefix_id,prefix_tokens\n0,100,3,5,64\n1,100,3,,\n2,100,3,5,100\n");
  REQUIRE(shared.size() == 3);
  CHECK(shared[0].prefix.id == 5);
  CHECK(shared[0].prefix.tokens == 64);
  CHECK(shared[1].prefix.tokens == 0);
  std::vector<std::string> mistakes;
  parse("arrival,input,output,prefix_id,prefix_tokens\n0,100,3,x,64\n1,100,3,5,101\n2,100,3,5,-1\n", &mistakes);
  REQUIRE(mistakes.size() == 3);
  CHECK(mistakes[0].starts_with("2:9 \"x\" is no number of a prefix"));
  CHECK(mistakes[1].starts_with("3:11 a prefix of 101 tokens in a prompt of 100"));
  CHECK(mistakes[2].starts_with("4:11 "));
  mistakes.clear();
  parse("arrival,input,output,prefix_id\n0,100,3,1\n", &mistakes);
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].find("no column \"prefix_tokens\"") != std::string::npos);
}

TEST_CASE("traces: every mistake has its place") {
  std::vector<std::string> mistakes;
  parse("arrival,input,output\nx,0,3\n5,1,-1\n4,1,1\n3,1,1\n5,1\n6,99999999,2\n", &mistakes);
  REQUIRE(mistakes.size() == 6);
  CHECK(mistakes[0].starts_with("2:1 \"x\" is neither seconds"));
  CHECK(mistakes[1].starts_with("2:3 \"0\" is no number of tokens"));
  CHECK(mistakes[2].starts_with("3:5 "));
  CHECK(mistakes[3].starts_with("5:1 this request came before"));
  CHECK(mistakes[4].starts_with("6:1 2 fields"));
  CHECK(mistakes[5].starts_with("7:3 "));
  for (const char* text :
       {"", "\n", "arrival,input\n1,2\n", "arrival,input,output\n", "time,arrival,input,output\n1,1,1,1\n",
        "arrival,input,output\n0,1,1\n1e300,1,1\n", "TIMESTAMP,input,output\n2023-13-01 0:0:0,1,1\n"}) {
    CAPTURE(text);
    mistakes.clear();
    parse(text, &mistakes);
    CHECK(mistakes.size() == 1);
  }
}

TEST_CASE("every key of the section is in the schema once, and a section of all defaults is one of them") {
  std::vector<std::string> names;
  for (const config::Declared& key : serving_keys()) {
    CHECK_FALSE(key.required);
    names.push_back(key.key);
  }
  for (const char* key : {"rate", "input", "ttft", "batch", "max_wait", "block", "trace"})
    CHECK(std::count(names.begin(), names.end(), key) == 1);
  std::sort(names.begin(), names.end());
  CHECK(std::unique(names.begin(), names.end()) == names.end());
}

TEST_CASE("the section: defaults, mistakes with their places") {
  config::Diagnostics good;
  const ServingSpec spec =
      read_section("{rate: 4 /s, input: uniform:10:20, router: least_loaded}", Scheduling::continuous, good);
  CHECK(good.empty());
  CHECK(spec.rate == 4);
  CHECK(spec.router == Router::least_loaded);
  CHECK(spec.memory_share == 0.9);
  config::Diagnostics closed;
  CHECK(read_section("{concurrency: 8}", Scheduling::continuous, closed).arrivals == Arrivals::closed);
  CHECK(closed.empty());
  config::Diagnostics bad;
  read_section("{rate: 0 /s, input: many, rooter: x, memory_share: 120 %, batch: [a]}", Scheduling::continuous, bad);
  CHECK(bad.mistakes().size() == 5);
  config::Diagnostics batch;
  read_section("{scheduler: continuous, max_batch: 0}", Scheduling::batch, batch);
  CHECK(batch.mistakes().size() == 3);
}
