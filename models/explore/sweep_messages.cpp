#include "models/explore/sweep_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr std::size_t kReportHead = 8;        // numbers before its lists
constexpr std::int64_t kInputsLooked = 1000;  // positions until one passes the conditions

void append(std::vector<std::int64_t>& numbers, const Runs& runs) {
  for (const Run& run : runs) numbers.insert(numbers.end(), {run.begin, run.end});
}

}  // namespace

cluster::Message work_message(const Runs& runs) {
  cluster::Message message = message_of(Word::work);
  append(message.numbers, runs);
  return message;
}

Runs runs_of(const cluster::Message& message) {
  Runs runs;
  for (std::size_t i = 0; i + 1 < message.numbers.size(); i += 2)
    runs.push_back({message.numbers[i], message.numbers[i + 1]});
  return runs;
}

cluster::Message report_message(Word word, const RankReport& report) {
  const CrewReport& crew = report.crew;
  cluster::Message message = message_of(
      word, {report.wanted, crew.visited, crew.left_out, report.has_file ? 1 : 0, report.exit_code, report.position,
             static_cast<std::int64_t>(crew.spare.size()), static_cast<std::int64_t>(crew.elsewhere.size())});
  append(message.numbers, crew.spare);
  for (const auto& [position, point] : crew.elsewhere)
    message.numbers.insert(message.numbers.end(), {position, number_of_key(point)});
  message.text = report.text;
  return message;
}

RankReport report_of(const cluster::Message& message) {
  const auto& n = message.numbers;
  RankReport report;
  report.wanted = n.at(0);
  report.crew.visited = n.at(1);
  report.crew.left_out = n.at(2);
  report.has_file = n.at(3) != 0;
  report.exit_code = static_cast<int>(n.at(4));
  report.position = n.at(5);
  std::size_t next = kReportHead;
  for (std::size_t i = 0; i < at(n.at(6)); ++i, next += 2) report.crew.spare.push_back({n.at(next), n.at(next + 1)});
  for (std::size_t i = 0; i < at(n.at(7)); ++i, next += 2)
    report.crew.elsewhere.emplace_back(n.at(next), key_of_number(n.at(next + 1)));
  report.text = message.text;
  return report;
}

std::int64_t number_of_key(const std::string& key) {
  std::uint64_t number = 0;
  std::from_chars(key.data(), key.data() + key.size(), number, 16);
  return static_cast<std::int64_t>(number);
}

std::string key_of_number(std::int64_t number) { return fmt::format("{:016x}", static_cast<std::uint64_t>(number)); }

std::int64_t inputs_key(const sweep::Design& design, Study& study) {
  std::string key = sweep_hash(design);
  for (std::int64_t i = 0; i < std::min(design.size(), kInputsLooked); ++i) {
    const auto setting = design.setting(i);
    if (!setting) continue;
    try {
      key += study.resolve(*setting).hash;
    } catch (const config::ConfigError&) {
      continue;  // its values do not go together
    }
    break;
  }
  return number_of_key(fnv1a(key));
}

int threads_of(const cluster::Ranks& ranks, const SweepOptions& options) {
  return options.threads > 0 ? options.threads : ranks.processors();
}

std::chrono::microseconds Pause::next(bool busy) {
  return std::exchange(next_, std::min(2 * next_, busy ? kBusy : kSeldom));
}

}  // namespace sparsesim
